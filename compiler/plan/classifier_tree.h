// Cut trees over boxes (HiCuts: Gupta and McKeown, 1999; separated as in EffiCuts: Vamanan and others, 2010). A node
// looks at a few bits of the key, anywhere in a lane, and goes on to one of two to 4,096 children; a leaf has rows
// that are compared in turn. Entry point: buildTrees. Tested by tests/unit/plan/classifier_tree_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xdpc::plan {

struct TreeLane {
  unsigned bits = 0, word = 0, shift = 0;
  unsigned value = 0; // lanes of one value are apart in bits alone
};

// Boxes, `lanes` bounds each. The first one that holds a point is its answer.
struct TreeRows {
  std::vector<TreeLane> lanes;
  std::vector<uint32_t> low, high;
  std::vector<bool> goes_on; // by row: others are asked for behind it, and so it hides none; empty: no row does
};

// A node is a word: what its children or rows begin at in the low 32 bits; then 8 bits of the key's word or, of a leaf,
// of the number of rows; 8 bits of the lowest bit that it looks at; 16 bits of a mask, 0 for a leaf.
struct TreeNode {
  static constexpr unsigned kWordAt = 32, kShiftAt = 40, kMaskAt = 48;
  uint32_t base = 0;
  uint8_t word = 0, shift = 0; // of a leaf: `word` is the number of rows
  uint16_t mask = 0;
  uint64_t packed() const {
    return base | uint64_t{word} << kWordAt | uint64_t{shift} << kShiftAt | uint64_t{mask} << kMaskAt;
  }
};

inline constexpr unsigned kMaxLeafRows = 64;
inline constexpr unsigned kMaxTrees = 4;
inline constexpr unsigned kMaxTreeDepth = 24;

// All trees of a view share nodes and leaves.
struct Forest {
  std::vector<uint64_t> nodes;
  std::vector<uint32_t> leaves; // rows, ascending in each leaf
  unsigned depth = 0, longest = 0;
};

struct Trees {
  std::vector<uint32_t> roots; // nodes
  double cost = 0;             // of a lookup, in nanoseconds, if all rows are hit alike
};

// Adds trees for the rows with these numbers (ascending). Nothing where a leaf would have too many rows.
bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees);

} // namespace xdpc::plan
