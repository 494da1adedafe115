// A condition as what its conjunction says of single values: `tcp.dport in { 80, 443 } and ip.ttl < 5` bounds two of
// them; what cannot be said so is kept as text. Sound for both questions: contradictory() and implies() are true only
// where they are. Tested by tests/lit/warn/never_matches.xf and unreachable_rule.xf.
#pragma once

#include "compiler/analysis/presence.h"
#include "compiler/analysis/values.h"
#include "compiler/ir/intervals.h"

#include <span>
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
  struct OfValue {
    uint32_t value; // number in Values
    Intervals allowed;
  };

  using Conditions = std::span<const ir::Expr* const>; // all of them hold

  // Of one that is compared with another the values have the same numbers.
  Constraint(const ir::Policy& policy, Values& values, Conditions conditions);

  bool contradictory(const Presence& presence, const Values& values) const;
  // A header that has to be there and never is.
  std::optional<ir::HeaderId> impossible(const Presence& presence) const;
  bool excludes(const Constraint& other) const; // some value cannot be what both want; sooner said than contradictory()
  bool implies(const Constraint& weaker) const; // whatever packet satisfies this one satisfies the other
  bool readsDynamicSets() const { return dynamic_; }
  const std::vector<OfValue>& bounds() const { return bounds_; }

private:
  friend class ConstraintMaker;

  bool never_ = false;
  bool dynamic_ = false;
  // All of them sorted, without repetitions.
  std::vector<ir::HeaderId> present_, absent_;
  std::vector<OfValue> bounds_;
  std::vector<std::string> others_; // texts
};

} // namespace xdpc::analysis
