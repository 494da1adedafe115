// See presence.h.
#include "compiler/analysis/presence.h"

#include <algorithm>

namespace xdpc::analysis {

Presence::Presence(const ir::Policy& policy) : policy_(policy) {
  reaches_.assign(policy.headers.size(), std::vector<bool>(policy.headers.size()));
  for (ir::HeaderId header = 0; header < policy.headers.size(); ++header)
    reach(header, header);
}

std::vector<ir::HeaderId> Presence::plain(ir::HeaderId header) const {
  std::vector<ir::HeaderId> all;
  for (ir::HeaderId one : policy_.headers[header].alternatives)
    for (ir::HeaderId inner : plain(one))
      all.push_back(inner);
  return all.empty() ? std::vector{header} : all;
}

void Presence::reach(ir::HeaderId from, ir::HeaderId header) {
  // An extension header selects in the table of the header that it extends.
  const ir::Header& here = policy_.headers[header];
  if (here.kind == ir::HeaderKind::tunnel)
    return; // a new packet, whose headers have names of their own
  for (ir::HeaderId table : {header, here.extension_of.value_or(header)})
    for (const ir::PayloadBy& payload : policy_.headers[table].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        for (ir::HeaderId next : plain(entry.next))
          if (!reaches_[from][next]) {
            reaches_[from][next] = true;
            reach(from, next);
          }
}

bool Presence::exclude(ir::HeaderId one, ir::HeaderId other) const {
  const auto declared = [&](ir::HeaderId id) { return policy_.headers[id].name.find('.') == std::string::npos; };
  if (!declared(one) || !declared(other)) // `vxlan.inner.tcp` is another packet's
    return false;
  for (ir::HeaderId a : plain(one))
    for (ir::HeaderId b : plain(other))
      if (a == b || reaches_[a][b] || reaches_[b][a])
        return false;
  return true;
}

Presence::Truth Presence::truth(const ir::Expr& expr, ir::HeaderId header) const {
  const auto any = [&](Truth wanted) {
    return std::any_of(expr.args.begin(), expr.args.end(),
                       [&](const ir::Expr& arg) { return truth(arg, header) == wanted; });
  };
  const auto all = [&](Truth wanted) {
    return std::all_of(expr.args.begin(), expr.args.end(),
                       [&](const ir::Expr& arg) { return truth(arg, header) == wanted; });
  };
  switch (expr.kind) {
  case ir::ExprKind::Bool:
    return expr.number ? Truth::yes : Truth::no;
  case ir::ExprKind::Present: {
    const auto alternatives = plain(expr.header);
    if (std::find(alternatives.begin(), alternatives.end(), header) != alternatives.end())
      return Truth::yes;
    return exclude(expr.header, header) ? Truth::no : Truth::unknown;
  }
  case ir::ExprKind::Not: {
    const Truth inner = truth(expr.args[0], header);
    return inner == Truth::unknown ? inner : inner == Truth::yes ? Truth::no : Truth::yes;
  }
  case ir::ExprKind::And:
    return any(Truth::no) ? Truth::no : all(Truth::yes) ? Truth::yes : Truth::unknown;
  case ir::ExprKind::Or:
    return any(Truth::yes) ? Truth::yes : all(Truth::no) ? Truth::no : Truth::unknown;
  default:
    return Truth::unknown;
  }
}

bool Presence::mayHold(const ir::Expr& condition, ir::HeaderId header) const {
  return truth(condition, header) != Truth::no;
}

std::optional<ir::HeaderId> headerByName(const ir::Policy& policy, const char* name) {
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].name == name)
      return id;
  return {};
}

} // namespace xdpc::analysis
