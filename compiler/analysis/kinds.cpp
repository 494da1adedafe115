// See kinds.h.
#include "compiler/analysis/kinds.h"

#include "compiler/analysis/constraint.h"

#include <algorithm>

namespace xdpc::analysis {
namespace {

Truth negation(Truth truth) {
  return truth == Truth::unknown ? truth : truth == Truth::yes ? Truth::no : Truth::yes;
}

// What an optional field, an option or a second tag belongs to.
ir::HeaderId ownerOf(const ir::Policy& policy, ir::HeaderId header) {
  while (policy.headers[header].kind >= ir::HeaderKind::later && policy.headers[header].of != header)
    header = policy.headers[header].of;
  return header;
}

// A field of this name of any header has the one value.
void setValue(const ir::Policy& policy, PacketKind& kind, std::string_view field, ir::Interval value) {
  for (const char* name : {"ip", "ipv6", "icmp6"})
    if (const auto header = headerByName(policy, name))
      for (ir::FieldId id = 0; id < policy.headers[*header].fields.size(); ++id)
        if (policy.headers[*header].fields[id].name == field)
          kind.values[{*header, id}] = {value};
}

Truth truthOfBound(const ir::Policy& policy, const PacketKind& kind, const ir::Expr& expr) {
  if (kind.values.empty())
    return Truth::unknown;
  const auto bound = boundOf(policy, expr);
  if (!bound || bound->value->kind != ir::ExprKind::Field)
    return Truth::unknown;
  const auto known = kind.values.find({bound->value->header, bound->value->field});
  if (known == kind.values.end())
    return Truth::unknown;
  if (intersection(bound->values, known->second).empty())
    return Truth::no;
  return covers(bound->values, known->second) ? Truth::yes : Truth::unknown;
}

// One operand that is `decisive` decides.
Truth truthOfRow(const ir::Policy& policy, const PacketKind& kind, const ir::Expr& row, Truth decisive) {
  Truth all = negation(decisive);
  for (const ir::Expr& arg : row.args) {
    const Truth one = truth(policy, kind, arg);
    if (one == decisive)
      return one;
    if (one == Truth::unknown)
      all = one;
  }
  return all;
}

// The header, or each alternative of a union, is not there together with a later fragment's IP header: it is behind it.
bool isBehind(const ir::Policy& policy, const Presence& presence, ir::HeaderId ip, ir::HeaderId id) {
  const ir::HeaderId owner = ownerOf(policy, id);
  const ir::Header& header = policy.headers[owner];
  if (!header.alternatives.empty())
    return std::ranges::all_of(header.alternatives,
                               [&](ir::HeaderId one) { return isBehind(policy, presence, ip, one); });
  return header.packet != 0 || presence.exclude(ip, owner) ||
         (presence.canFollow(ip, owner) && header.kind != ir::HeaderKind::extension);
}

} // namespace

PacketKind packetsWith(const ir::Policy& policy, const Presence& presence, ir::HeaderId header) {
  PacketKind kind;
  kind.headers.assign(policy.headers.size(), Truth::unknown);
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (presence.exclude(id, header))
      kind.headers[id] = Truth::no;
    else if (presence.implies(header, id))
      kind.headers[id] = Truth::yes;
  return kind;
}

PacketKind laterFragments(const ir::Policy& policy, const Presence& presence, ir::HeaderId ip) {
  PacketKind kind = packetsWith(policy, presence, ip);
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (isBehind(policy, presence, ip, id))
      kind.headers[id] = Truth::no;
  return kind;
}

PacketKind neighborDiscovery(const ir::Policy& policy, const Presence& presence, ir::HeaderId icmp6) {
  PacketKind kind = packetsWith(policy, presence, icmp6);
  for (const char* name : {"ip", "ipv6"})
    if (const auto header = headerByName(policy, name))
      kind.headers[*header] = Truth::yes;
  if (const auto fragment = headerByName(policy, "fragment"))
    kind.headers[*fragment] = Truth::no;
  setValue(policy, kind, "fragment", {ir::Domain::number, 0, 0});
  setValue(policy, kind, "proto", {ir::Domain::number, 58, 58});
  setValue(policy, kind, "type", {ir::Domain::number, 133, 137});
  return kind;
}

Truth truth(const ir::Policy& policy, const PacketKind& kind, const ir::Expr& condition) {
  switch (condition.kind) {
  case ir::ExprKind::Bool:
    return condition.number ? Truth::yes : Truth::no;
  case ir::ExprKind::Present:
    return kind.headers[condition.header];
  case ir::ExprKind::Not:
    return negation(truth(policy, kind, condition.args[0]));
  case ir::ExprKind::And:
    return truthOfRow(policy, kind, condition, Truth::no);
  case ir::ExprKind::Or:
    return truthOfRow(policy, kind, condition, Truth::yes);
  default:
    return truthOfBound(policy, kind, condition);
  }
}

} // namespace xdpc::analysis
