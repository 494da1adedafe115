// Numbers of the intervals that rows tell apart in a lane, in the order of its values. Sparse values, as ports are,
// come to lie side by side, so that a node tells them apart by few bits. Private to plan/classifier*.cpp. Tested by
// tests/unit/plan/classifier_rank_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace xdpc::plan {

class Ranks {
public:
  // Where intervals begin; 0 is added.
  explicit Ranks(std::vector<uint32_t> starts);

  uint32_t of(uint32_t value) const;
  unsigned bits() const; // of the largest number, at least 1

private:
  std::vector<uint32_t> starts_;
};

// The same as tables: see ClassifierRanks.
struct RankTables {
  std::vector<unsigned> widths;
  std::vector<std::vector<uint32_t>> inner;
  std::vector<uint8_t> last;
};
// Nothing where a level would have too many nodes.
std::optional<RankTables> tablesOf(const Ranks& ranks, unsigned value_bits);

} // namespace xdpc::plan
