// Walks the graph of headers between a field and the checksums that cover it.
#include "compiler/ir/checksum.h"

#include <algorithm>

namespace xdpc::ir {

namespace {

void walkFrom(const Policy& policy, HeaderId from, std::vector<bool>& seen) {
  for (const PayloadBy& payload : policy.headers[from].payload)
    for (const PayloadEntry& entry : payload.entries) {
      if (entry.tunnel || policy.headers[entry.next].kind == HeaderKind::tunnel || seen[entry.next])
        continue;
      seen[entry.next] = true;
      walkFrom(policy, entry.next, seen);
    }
}

// Whether `later` can stand behind `header` in one packet.
bool canFollow(const Policy& policy, HeaderId header, HeaderId later) {
  std::vector<bool> seen(policy.headers.size());
  walkFrom(policy, header, seen);
  return seen[later];
}

bool covers(const Policy& policy, HeaderId summed, HeaderId header, FieldId field) {
  const Checksum& checksum = *policy.headers[summed].checksum;
  if (summed == header)
    return field != checksum.field;
  if (checksum.coverage == Coverage::header || checksum.coverage == Coverage::crc32c)
    return false;
  if (canFollow(policy, summed, header))
    return true;
  return checksum.coverage == Coverage::rest_with_pseudo &&
         std::ranges::count(policy.headers[header].pseudo, field) > 0 && canFollow(policy, header, summed);
}

} // namespace

std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId header, FieldId field) {
  std::vector<HeaderId> out;
  const Header& own = policy.headers[header];
  if (own.kind == HeaderKind::alternatives) {
    for (size_t i = 0; i < own.alternatives.size(); ++i)
      for (HeaderId id : checksumsOver(policy, own.alternatives[i], own.fields[field].alternatives[i]))
        if (!std::ranges::count(out, id))
          out.push_back(id);
    return out;
  }
  for (HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].checksum && covers(policy, id, header, field))
      out.push_back(id);
  return out;
}

std::vector<HeaderId> checksumsOver(const Policy& policy, const Action& assign) {
  std::vector<HeaderId> out;
  for (const Expr& target : assign.targets)
    for (HeaderId id : checksumsOver(policy, target.header, target.field))
      if (!std::ranges::count(out, id))
        out.push_back(id);
  return out;
}

} // namespace xdpc::ir
