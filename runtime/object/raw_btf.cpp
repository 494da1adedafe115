// Parts of BTF.
#include "runtime/object/raw_btf.h"

namespace xdpc::object {

std::optional<BtfView> viewBtf(std::span<const uint8_t> btf) {
  auto header = get<btf_header>(btf, 0);
  if (!header || header->magic != BTF_MAGIC || header->version != BTF_VERSION || header->hdr_len < sizeof(btf_header) ||
      header->hdr_len > btf.size())
    return {};
  auto body = btf.subspan(header->hdr_len);
  auto inside = [&](uint64_t offset, uint64_t size) { return offset + size <= body.size(); };
  if (!inside(header->type_off, header->type_len) || !inside(header->str_off, header->str_len))
    return {};
  return BtfView{body.subspan(header->type_off, header->type_len), body.subspan(header->str_off, header->str_len),
                 uint64_t{header->hdr_len} + header->type_off};
}

} // namespace xdpc::object
