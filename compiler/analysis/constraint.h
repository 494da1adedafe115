// A condition as what its conjunction says of single values: `tcp.dport in { 80, 443 } and ip.ttl < 5` bounds two of
// them; what cannot be said so is kept as text. Sound for both questions: contradictory() and implies() are true only
// where they are. Tested by tests/lit/warn/never_matches.xf and unreachable_rule.xf.
#pragma once

#include "compiler/analysis/presence.h"
#include "compiler/ir/intervals.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace xdpc::analysis {

using ir::Intervals;

// What a comparison says of one value.
struct Bound {
  const ir::Expr* value;
  Intervals values; // for which it holds
};
std::optional<Bound> boundOf(const ir::Policy& policy, const ir::Expr& comparison);
bool covers(const Intervals& outer, const Intervals& inner);

class Constraint {
public:
  Constraint(const ir::Policy& policy, const ir::Expr& condition);

  bool contradictory(const Presence& presence) const;
  bool implies(const Constraint& weaker) const; // whatever packet satisfies this one satisfies the other
  bool readsDynamicSets() const { return dynamic_; }
  const std::map<std::string, Intervals>& bounds() const { return bounds_; } // by the value's text

private:
  void add(const ir::Expr& expr);
  void addNot(const ir::Expr& inner);
  void addNegations();
  void bound(const ir::Expr& value, const Intervals& allowed);
  bool selectsAnother(const Presence& presence) const;

  const ir::Policy& policy_;
  bool never_ = false;
  bool dynamic_ = false;
  std::set<ir::HeaderId> present_, absent_;
  std::map<std::string, Intervals> bounds_;       // by the value's text
  std::map<std::string, const ir::Expr*> fields_; // of those that are fields
  std::set<std::string> others_;
  std::vector<const ir::Expr*> negations_; // conjunctions within the condition
};

} // namespace xdpc::analysis
