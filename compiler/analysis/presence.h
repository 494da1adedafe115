// Which headers a packet can have together, from the declarations: what `payload by` reaches. Errs towards "can".
// Tested by tests/lit/warn/never_matches.xf.
#pragma once

#include "compiler/ir/intervals.h"

#include <map>
#include <set>
#include <vector>

namespace xdpc::analysis {

class Presence {
public:
  explicit Presence(const ir::Policy& policy);

  bool exclude(ir::HeaderId one, ir::HeaderId other) const; // no packet has both
  bool implies(ir::HeaderId one, ir::HeaderId other) const; // the other is there with it: itself, or a union of it
  bool canFollow(ir::HeaderId ip, ir::HeaderId next) const; // in the same packet, at some distance
  // Of `ip.proto` and the like, with a header that only such a field leads to: the numbers that do. Nothing where there
  // are other ways to the header.
  std::optional<ir::Intervals> selecting(const ir::Expr& field, ir::HeaderId next) const;

private:
  void reach(ir::HeaderId from, ir::HeaderId header);
  using Choosers = std::map<ir::HeaderId, ir::FieldId>; // tables of a header, by the field that they look at
  std::optional<ir::FieldId> chooser(ir::HeaderId header, ir::FieldId field) const;
  std::optional<Choosers> choosers(const ir::Expr& field) const;
  bool collect(const Choosers& tables, ir::HeaderId header, std::set<ir::HeaderId>& wanted,
               ir::Intervals& numbers) const;
  std::vector<ir::HeaderId> plain(ir::HeaderId header) const; // the alternatives of a union

  const ir::Policy& policy_;
  std::vector<std::vector<bool>> reaches_; // [a][b]: b can follow a, at some distance
};

std::optional<ir::HeaderId> headerByName(const ir::Policy& policy, const char* name);

} // namespace xdpc::analysis
