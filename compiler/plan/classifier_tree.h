// Cut trees over boxes (HiCuts and HyperCuts: Gupta and McKeown, 1999; Singh and others, 2003; separated as in
// EffiCuts: Vamanan and others, 2010). A node looks at one or two windows of bits of the key and goes on to one of two
// to 4,096 children; a leaf has rows that are compared. Entry point: buildTrees. Tested by
// tests/unit/plan/classifier_tree_test.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace xdpc::plan {

inline constexpr unsigned kMaxTreeLanes = 16;
inline constexpr unsigned kMaxCutBits = 12;
inline constexpr unsigned kMaxLeafRows = 64;
inline constexpr unsigned kMaxTrees = 4;
inline constexpr unsigned kMaxTreeDepth = 24;
inline constexpr unsigned kMaxInline = 4; // rows that a leaf holds itself: they are compared without a branch
inline constexpr uint32_t kMaxTreeRows = (1u << 20) - 1;

// A node is a word. Child = base + (key[word0] >> shift0 & mask0) + (key[word1] >> shift1 & mask1). The highest bit is
// set in leaves. The next one is clear where the leaf holds its rows itself, as many as TreeRows::inlineRows, from the
// lowest bits on: TreeRows::none stands for no row. Else 32 bits say where its rows begin in Forest::lists, the next 8
// how many.
struct TreeNode {
  static constexpr unsigned kBaseBits = 19, kShift0At = 19, kShift1At = 25, kWord0At = 31, kWord1At = 35, kMask0At = 39,
                            kMask1At = 51, kLeafAt = 63, kListAt = 62, kCountAt = 32;
  uint32_t base = 0;
  unsigned shift0 = 0, shift1 = 0, word0 = 0, word1 = 0, mask0 = 0, mask1 = 0;
  uint64_t packed() const {
    return base | uint64_t{shift0} << kShift0At | uint64_t{shift1} << kShift1At | uint64_t{word0} << kWord0At |
           uint64_t{word1} << kWord1At | uint64_t{mask0} << kMask0At | uint64_t{mask1} << kMask1At;
  }
  static constexpr uint64_t kLeaf = uint64_t{1} << kLeafAt, kList = uint64_t{1} << kListAt;
};

struct TreeLane {
  unsigned bits = 0, word = 0, shift = 0;
  unsigned value = 0; // lanes of one value are apart in bits alone
};

// Boxes, `lanes` bounds each. The first one that holds a point is its answer.
struct TreeRows {
  std::vector<TreeLane> lanes;
  unsigned words = 1; // of the key
  std::vector<uint32_t> low, high;
  std::vector<bool> goes_on; // by row: others are asked for behind it, and so it hides none; empty: no row does

  // The number of all rows stands for none.
  uint32_t none() const { return static_cast<uint32_t>(low.size() / std::max<size_t>(1, lanes.size())); }
  unsigned numberBits() const { return std::max(1u, static_cast<unsigned>(std::bit_width(none()))); }
  unsigned inlineRows() const { return std::min(kMaxInline, TreeNode::kListAt / numberBits()); }
};

// All trees of a view share nodes.
struct Forest {
  std::vector<uint64_t> nodes;
  std::vector<uint32_t> lists; // rows, ascending in each leaf
  unsigned longest = 0;        // of the leaves' lists
};

struct Trees {
  std::vector<uint32_t> roots;  // nodes
  std::vector<unsigned> depths; // by root: of nodes on the way to a leaf
  double cost = 0;              // of a lookup, in nanoseconds, if all rows are hit alike
};

// Estimates, in nanoseconds, of what is in a near cache; measured by tests/bench/classifiers.py.
inline constexpr double kNodeCost = 5, kMissedBranch = 10, kRowCost = 1.5;
inline double leafCost(double rows, unsigned at_once) {
  return 4 + (rows <= at_once ? 0.7 * rows : kMissedBranch + kRowCost * rows);
}

// Adds trees for the rows with these numbers (ascending). False where they would be too large. The first node has to be
// there: a leaf without rows, for whoever walks more trees than there are.
bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees);

} // namespace xdpc::plan
