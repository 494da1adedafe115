// Finds headers, through unions, too.
#include "compiler/lower/packet.h"

namespace xdpc::lower {

std::optional<Packet::Found> Packet::find(const ir::Policy& policy, ir::HeaderId id, ir::FieldId field) const {
  const ir::Header& header = policy.headers[id];
  if (header.kind == ir::HeaderKind::alternatives) {
    for (size_t i = 0; i < header.alternatives.size(); ++i)
      if (auto it = headers.find(header.alternatives[i]); it != headers.end())
        return Found{it->first, &it->second, field < header.fields.size() ? header.fields[field].alternatives[i] : 0};
    return std::nullopt;
  }
  auto it = headers.find(id);
  if (it == headers.end())
    return std::nullopt;
  return Found{id, &it->second, field};
}

namespace {

void set(std::map<uint32_t, llvm::Value*>& values, uint32_t number, llvm::Value* value) {
  if (auto it = values.find(number); it != values.end())
    it->second = value;
}

} // namespace

void Packet::setIpEnd(uint32_t number, llvm::Value* end) {
  if (number == 0)
    ip_end = end;
  set(inner_ip_ends, number, end);
}

void Packet::setLastProtocol(uint32_t number, llvm::Value* protocol) {
  if (number == 0)
    last_protocol = protocol;
  set(inner_last_protocols, number, protocol);
}

} // namespace xdpc::lower
