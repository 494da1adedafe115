// Walks the graph of headers between a field and the checksums that cover it.
#include "compiler/ir/checksum.h"

#include <algorithm>

namespace xdpc::ir {

namespace {

void walkFrom(const Policy& policy, HeaderId from, std::vector<bool>& seen) {
  const auto step = [&](HeaderId next) {
    if (seen[next])
      return;
    seen[next] = true;
    walkFrom(policy, next, seen);
  };
  for (const PayloadBy& payload : policy.headers[from].payload)
    for (const PayloadEntry& entry : payload.entries)
      if (!entry.tunnel)
        step(entry.next);
  for (const Inner& inner : policy.headers[from].inner)
    step(inner.entered);
}

bool isPart(const Header& header) {
  return header.kind == HeaderKind::part || header.kind == HeaderKind::option;
}

// The header of the graph that the name is one for.
HeaderId parsed(const Policy& policy, HeaderId id) {
  while (isPart(policy.headers[id]) || policy.headers[id].kind == HeaderKind::later)
    id = policy.headers[id].of;
  return id;
}

bool isChecksum(const Policy& policy, HeaderId summed, HeaderId header, FieldId field) {
  const FieldId own = policy.headers[summed].checksum->field;
  const auto& part = policy.headers[summed].fields[own].part;
  return part ? part->header == header && part->field == field : summed == header && field == own;
}

bool coversPseudo(const Policy& policy, HeaderId summed, HeaderId header, FieldId field) {
  return policy.headers[summed].checksum->coverage == Coverage::rest_with_pseudo &&
         policy.headers[summed].packet == policy.headers[header].packet &&
         std::ranges::count(policy.headers[header].pseudo, field) > 0 && canLieBehind(policy, header, summed);
}

bool covers(const Policy& policy, HeaderId summed, HeaderId header, FieldId field) {
  const Header &own = policy.headers[summed], &at = policy.headers[header];
  if (summed == header || (isPart(at) && at.of == summed))
    return !isChecksum(policy, summed, header, field);
  // A name for a header that others name, too: it speaks for its own fields alone.
  if (own.kind == HeaderKind::later || own.checksum->coverage == Coverage::header)
    return false;
  const HeaderId place = parsed(policy, header);
  return place != summed && (canLieBehind(policy, summed, place) || coversPseudo(policy, summed, header, field));
}

void addOnce(std::vector<HeaderId>& out, const std::vector<HeaderId>& more) {
  for (const HeaderId id : more)
    if (!std::ranges::count(out, id))
      out.push_back(id);
}

} // namespace

bool canLieBehind(const Policy& policy, HeaderId header, HeaderId later) {
  std::vector<bool> seen(policy.headers.size());
  walkFrom(policy, parsed(policy, header), seen);
  return seen[parsed(policy, later)];
}

std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId header, FieldId field) {
  std::vector<HeaderId> out;
  const Header& own = policy.headers[header];
  if (own.kind == HeaderKind::alternatives) {
    for (size_t i = 0; i < own.alternatives.size(); ++i)
      addOnce(out, checksumsOver(policy, own.alternatives[i], own.fields[field].alternatives[i]));
    return out;
  }
  if (own.fields[field].part)
    return checksumsOver(policy, own.fields[field].part->header, own.fields[field].part->field);
  for (HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].checksum && covers(policy, id, header, field))
      out.push_back(id);
  return out;
}

std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId summed) {
  return checksumsOver(policy, summed, policy.headers[summed].checksum->field);
}

std::vector<HeaderId> changedByAssign(const Policy& policy, const Action& assign) {
  std::vector<HeaderId> out;
  for (const Expr& target : assign.targets)
    addOnce(out, checksumsOver(policy, target.header, target.field));
  for (size_t i = 0; i < out.size(); ++i)
    addOnce(out, checksumsOver(policy, out[i]));
  for (size_t i = out.size(); i-- > 0;)
    if (const Header& header = policy.headers[out[i]]; header.fields[header.checksum->field].part)
      addOnce(out, {header.fields[header.checksum->field].part->header});
  return out;
}

} // namespace xdpc::ir
