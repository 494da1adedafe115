// The rules before one that could make it unreachable, found without a look at all of them. Tested by
// tests/lit/warn/unreachable_rule.xf and tests/lit/warn/many_rules.test.
#pragma once

#include "compiler/analysis/constraint.h"

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

namespace xdpc::analysis {

// What implies another bounds each value that the other bounds, and within its bounds. So each rule is found by the
// smallest aligned block of one value that its bounds are in: what is within them is in that block, too.
class EarlierRules {
public:
  void add(const ir::Rule& rule, Constraint constraint);
  void clear();

  // The first found that decides all packets of the constraint; null where none does, or where looking took too long.
  const ir::Rule* deciding(const Constraint& constraint);

private:
  struct Block {
    uint32_t value = 0; // number in Values
    ir::Domain domain = ir::Domain::number;
    unsigned length = 0; // bits that differ within it
    ir::u128 prefix = 0;
    bool operator==(const Block&) const = default;
  };
  struct Hash {
    size_t operator()(const Block& block) const;
  };
  using Numbers = std::vector<uint32_t>; // of rules_

  static Block blockOf(uint32_t value, const ir::Interval& interval);
  const ir::Rule* first(const Numbers& numbers, const Constraint& constraint);

  std::deque<std::pair<const ir::Rule*, Constraint>> rules_;
  std::unordered_map<Block, Numbers, Hash> blocks_;
  Numbers others_;                                                        // that bound nothing to one interval
  std::map<std::pair<uint32_t, ir::Domain>, std::set<unsigned>> lengths_; // of blocks, by value
  uint64_t looks_ = 0;
};

} // namespace xdpc::analysis
