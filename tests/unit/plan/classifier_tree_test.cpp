// Cut trees against a look at every row: boxes like ClassBench's, of both families, and others that are hard to cut.
#include "compiler/plan/classifier_tree.h"

#include <gtest/gtest.h>

#include <random>

namespace xdpc::plan {
namespace {

using Point = std::vector<uint32_t>; // by lane

constexpr uint32_t kNone = UINT32_MAX;

class Chance {
public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t bound) { return std::uniform_int_distribution<uint32_t>(0, bound - 1)(engine_); }
  uint32_t bits(unsigned count) { return count ? static_cast<uint32_t>(engine_()) >> (32 - count) : 0; }

private:
  std::mt19937 engine_;
};

std::vector<TreeLane> lanes(unsigned address_lanes) {
  std::vector<TreeLane> out;
  unsigned word = 0;
  for (unsigned value : {0u, 1u})
    for (unsigned i = 0; i < address_lanes; ++i)
      out.push_back({.bits = 32, .word = word++, .shift = 0, .value = value});
  out.push_back({.bits = 16, .word = 0, .shift = 33, .value = 2});
  out.push_back({.bits = 16, .word = 1, .shift = 33, .value = 3});
  out.push_back({.bits = 8, .word = 0, .shift = 50, .value = 4});
  return out;
}

void addLane(TreeRows& rows, uint32_t low, uint32_t high) {
  rows.low.push_back(low);
  rows.high.push_back(high);
}

void addPrefix(TreeRows& rows, Chance& chance, unsigned address_lanes) {
  const unsigned length = chance.below(4) == 0 ? 0 : 8 * (1 + chance.below(4 * address_lanes));
  for (unsigned lane = address_lanes; lane-- > 0;) { // the last lane is the highest
    const unsigned above = 32 * (address_lanes - 1 - lane);
    const unsigned kept = length > above ? std::min(32u, length - above) : 0;
    const uint32_t rest = kept >= 32 ? 0 : UINT32_MAX >> kept;
    const uint32_t network = chance.below(40) * 0x01234567u;
    addLane(rows, network & ~rest, network | rest);
  }
}

TreeRows randomRows(Chance& chance, size_t count, unsigned address_lanes) {
  TreeRows rows;
  rows.lanes = lanes(address_lanes);
  rows.words = 2 * address_lanes;
  for (size_t i = 0; i < count; ++i) {
    addPrefix(rows, chance, address_lanes);
    addPrefix(rows, chance, address_lanes);
    for (int port = 0; port < 2; ++port) {
      const uint32_t low = chance.below(3) ? chance.bits(16) : 0;
      addLane(rows, low, low == 0 ? 0xffff : chance.below(2) ? low : std::min(0xffffu, low + chance.below(2000)));
    }
    const uint32_t protocol = chance.below(2) ? 6 : 17;
    chance.below(4) ? addLane(rows, protocol, protocol) : addLane(rows, 0, 0xff);
  }
  return rows;
}

bool holds(const TreeRows& rows, uint32_t row, const Point& point) {
  for (size_t lane = 0; lane < point.size(); ++lane) {
    const size_t at = row * point.size() + lane;
    if (point[lane] < rows.low[at] || point[lane] > rows.high[at])
      return false;
  }
  return true;
}

uint32_t firstMatch(const TreeRows& rows, const std::vector<uint32_t>& numbers, const Point& point, uint32_t from) {
  for (uint32_t row : numbers)
    if (row >= from && holds(rows, row, point))
      return row;
  return kNone;
}

uint64_t child(uint64_t node, const std::vector<uint64_t>& key) {
  const auto window = [&](unsigned word_at, unsigned shift_at, unsigned mask_at) {
    const uint64_t mask = node >> mask_at & ((1u << kMaxCutBits) - 1);
    return key[node >> word_at & 15] >> (node >> shift_at & 63) & mask;
  };
  return (node & ((1u << TreeNode::kBaseBits) - 1)) +
         window(TreeNode::kWord0At, TreeNode::kShift0At, TreeNode::kMask0At) +
         window(TreeNode::kWord1At, TreeNode::kShift1At, TreeNode::kMask1At);
}

std::vector<uint32_t> rowsOf(const TreeRows& rows, const Forest& forest, uint64_t leaf) {
  std::vector<uint32_t> out;
  if (leaf & TreeNode::kList) {
    const auto first = forest.lists.begin() + static_cast<uint32_t>(leaf);
    out.assign(first, first + (leaf >> TreeNode::kCountAt & 0xff));
    return out;
  }
  for (unsigned i = 0; i < rows.inlineRows(); ++i)
    out.push_back(leaf >> (i * rows.numberBits()) & ((1u << rows.numberBits()) - 1));
  std::erase(out, rows.none());
  return out;
}

uint32_t lookUp(const TreeRows& rows, const Forest& forest, const Trees& trees, const Point& point, uint32_t from) {
  std::vector<uint64_t> key(16);
  for (size_t lane = 0; lane < point.size(); ++lane)
    key[rows.lanes[lane].word] |= uint64_t{point[lane]} << rows.lanes[lane].shift;
  uint32_t best = kNone;
  for (size_t tree = 0; tree < trees.roots.size(); ++tree) {
    uint64_t node = forest.nodes[trees.roots[tree]];
    unsigned depth = 0;
    for (; !(node & TreeNode::kLeaf); ++depth)
      node = forest.nodes[child(node, key)];
    EXPECT_LE(depth, trees.depths[tree]);
    for (uint32_t row : rowsOf(rows, forest, node))
      if (row >= from && row < best && holds(rows, row, point))
        best = row;
  }
  return best;
}

Forest emptyForest() {
  Forest forest;
  forest.nodes.push_back(TreeNode::kLeaf);
  return forest;
}

// A corner of a row, or near one.
Point pointNear(const TreeRows& rows, Chance& chance) {
  Point point;
  const size_t row = chance.below(static_cast<uint32_t>(rows.low.size() / rows.lanes.size()));
  for (size_t lane = 0; lane < rows.lanes.size(); ++lane) {
    const size_t at = row * rows.lanes.size() + lane;
    const uint32_t all = rows.lanes[lane].bits == 32 ? UINT32_MAX : (1u << rows.lanes[lane].bits) - 1;
    const uint32_t corner = chance.below(2) ? rows.low[at] : rows.high[at];
    point.push_back((chance.below(12) ? corner : corner + 1) & all);
  }
  return point;
}

void compare(const TreeRows& rows, const std::vector<uint32_t>& numbers, Chance& chance) {
  Forest forest = emptyForest();
  Trees trees;
  ASSERT_TRUE(buildTrees(rows, numbers, forest, trees));
  EXPECT_LE(trees.roots.size(), kMaxTrees);
  EXPECT_LE(forest.longest, kMaxLeafRows);
  for (int i = 0; i < 4000; ++i) {
    const Point point = pointNear(rows, chance);
    const uint32_t wanted = firstMatch(rows, numbers, point, 0);
    ASSERT_EQ(lookUp(rows, forest, trees, point, 0), wanted);
    if (!rows.goes_on.empty() && wanted != kNone && rows.goes_on[wanted]) {
      ASSERT_EQ(lookUp(rows, forest, trees, point, wanted + 1), firstMatch(rows, numbers, point, wanted + 1));
    }
  }
}

TEST(ClassifierTree, GivesTheFirstRowOfAll) {
  for (uint32_t seed = 1; seed <= 8; ++seed)
    for (size_t count : {1u, 2u, 9u, 70u, 600u}) {
      Chance chance(seed);
      const TreeRows rows = randomRows(chance, count, seed % 2 ? 1 : 4);
      std::vector<uint32_t> numbers;
      for (uint32_t row = 0; row < count; ++row)
        if (seed < 5 || chance.below(3))
          numbers.push_back(row);
      compare(rows, numbers, chance);
    }
}

TEST(ClassifierTree, GoesOnBehindRowsThatHideNone) {
  Chance chance(99);
  TreeRows rows = randomRows(chance, 300, 1);
  for (size_t row = 0; row < 300; ++row)
    rows.goes_on.push_back(row % 60 == 7);
  std::vector<uint32_t> numbers(300);
  for (uint32_t row = 0; row < 300; ++row)
    numbers[row] = row;
  compare(rows, numbers, chance);
}

TEST(ClassifierTree, SharesNodesWithTreesBefore) {
  Chance chance(5);
  const TreeRows rows = randomRows(chance, 100, 1);
  Forest forest = emptyForest();
  std::vector<uint32_t> even, odd;
  for (uint32_t row = 0; row < 100; ++row)
    (row % 2 ? odd : even).push_back(row);
  Trees first, second;
  ASSERT_TRUE(buildTrees(rows, even, forest, first));
  ASSERT_TRUE(buildTrees(rows, odd, forest, second));
  for (int i = 0; i < 1000; ++i) {
    const Point point = pointNear(rows, chance);
    ASSERT_EQ(lookUp(rows, forest, first, point, 0), firstMatch(rows, even, point, 0));
    ASSERT_EQ(lookUp(rows, forest, second, point, 0), firstMatch(rows, odd, point, 0));
  }
}

// A single address on one side or the other, and a few rows that bound neither: those are in every leaf of a tree that
// they share.
TEST(ClassifierTree, GivesWideRowsATreeOfTheirOwn) {
  Chance chance(3);
  constexpr uint32_t narrow = 3000, wide = 12;
  TreeRows rows;
  rows.lanes = lanes(1);
  rows.words = 2;
  std::vector<uint32_t> numbers;
  for (uint32_t row = 0; row < narrow + wide; ++row) {
    numbers.push_back(row);
    for (uint32_t side = 0; side < 2; ++side) {
      const uint32_t host = chance.bits(32);
      row % 2 == side&& row < narrow ? addLane(rows, host, host) : addLane(rows, 0, UINT32_MAX);
    }
    addLane(rows, 0, 0xffff);
    row < narrow ? addLane(rows, 0, 0xffff) : addLane(rows, row * 7 % 999, row * 7 % 999);
    addLane(rows, 6, 6);
  }
  compare(rows, numbers, chance);
  Forest forest = emptyForest();
  Trees trees;
  ASSERT_TRUE(buildTrees(rows, numbers, forest, trees));
  EXPECT_EQ(trees.roots.size(), 3);
  EXPECT_LT(forest.nodes.size() + forest.lists.size(), 4 * numbers.size());
}

} // namespace
} // namespace xdpc::plan
