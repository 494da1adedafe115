// Which cut a node of a tree makes. Private to plan/classifier_tree.cpp.
#pragma once

#include "compiler/plan/classifier_tree.h"

#include <optional>

namespace xdpc::plan {

// `width` bits of a lane, the lowest of them `shift`.
struct Cut {
  size_t lane = 0;
  unsigned shift = 0, width = 0;
};

// What a node is asked for: at most these bounds in each lane, and the bits that nodes above have looked at.
struct Region {
  explicit Region(const std::vector<TreeLane>& lanes);
  // Of the children `first` to `last`.
  Region child(const Cut& cut, size_t first, size_t last) const;
  unsigned openBits(size_t lane) const; // the lowest ones that are not all the same

  std::vector<uint32_t> low, high, seen;
};

// Children that a row is in: `count` from `first` on, and then from 0 on.
struct CutRange {
  uint32_t first = 0, count = 0;
};
CutRange rangeIn(const Cut& cut, uint32_t low, uint32_t high);

// Estimates, in nanoseconds, of what is in a near cache.
inline constexpr double kNodeCost = 6;
inline double leafCost(double rows) {
  return 3 + 2 * rows;
}

class CutChooser {
public:
  explicit CutChooser(const TreeRows& rows) : rows_(rows) {}

  // Nothing where a leaf is better, or no cut tells the rows apart.
  std::optional<Cut> choose(std::span<const uint32_t> numbers, const Region& region);

private:
  void look(const Cut& cut, const Region& region);
  double price(const Cut& cut, const Region& region);

  const TreeRows& rows_;
  std::vector<uint32_t> sample_;
  std::vector<int32_t> steps_;
  double all_ = 0;
  double best_price_ = 0;
  std::optional<Cut> best_;
};

} // namespace xdpc::plan
