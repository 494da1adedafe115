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

std::optional<uint64_t> tailSize(const btf_type& type) {
  uint64_t members = BTF_INFO_VLEN(type.info);
  switch (BTF_INFO_KIND(type.info)) {
  case BTF_KIND_INT:
  case BTF_KIND_VAR:
  case BTF_KIND_DECL_TAG:
    return 4;
  case BTF_KIND_ARRAY:
    return sizeof(btf_array);
  case BTF_KIND_STRUCT:
  case BTF_KIND_UNION:
  case BTF_KIND_DATASEC:
  case BTF_KIND_ENUM64:
    return members * 12;
  case BTF_KIND_ENUM:
  case BTF_KIND_FUNC_PROTO:
    return members * 8;
  case BTF_KIND_PTR:
  case BTF_KIND_FWD:
  case BTF_KIND_TYPEDEF:
  case BTF_KIND_VOLATILE:
  case BTF_KIND_CONST:
  case BTF_KIND_RESTRICT:
  case BTF_KIND_FUNC:
  case BTF_KIND_FLOAT:
  case BTF_KIND_TYPE_TAG:
    return 0;
  default:
    return {};
  }
}

} // namespace xdpc::object
