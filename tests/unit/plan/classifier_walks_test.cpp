// Levels that are walked without asking: as deep as most packets go, of trees whose packets go as deep as is known.
#include "compiler/plan/classifier_walks.h"

#include <gtest/gtest.h>

namespace xdpc::plan {
namespace {

uint64_t cut(uint32_t base, unsigned shift, unsigned bits) {
  return TreeNode{.base = base, .shift0 = shift, .mask0 = (1u << bits) - 1}.packed();
}

// Rows of one lane of 8 bits; how many packets of each are alike is how wide it is.
TreeRows rowsOf(const std::vector<std::pair<uint32_t, uint32_t>>& bounds) {
  TreeRows rows;
  rows.lanes = {{.bits = 8, .word = 0, .shift = 0, .value = 0}};
  for (const auto& [low, high] : bounds) {
    rows.low.push_back(low);
    rows.high.push_back(high);
  }
  return rows;
}

// A root with two children, of which the second has four below it.
Forest forest() {
  return {.nodes = {TreeNode::kLeaf, cut(2, 7, 1), TreeNode::kLeaf, cut(4, 5, 2), TreeNode::kLeaf, TreeNode::kLeaf,
                    TreeNode::kLeaf, TreeNode::kLeaf},
          .lists = {},
          .longest = 0};
}

const Trees kTree{.roots = {1}, .depths = {2}, .cost = 0};

TEST(ClassifierWalks, StopWhereMostPacketsAre) {
  const TreeRows rows = rowsOf({{0, 10}, {20, 30}, {40, 50}, {0, 127}, {128, 130}});
  const std::vector<uint32_t> near{0, 1, 2, 3}, far{4};
  Walks mostly;
  mostly.add(rows, near, forest(), kTree);
  ASSERT_EQ(mostly.likely().size(), 1);
  EXPECT_EQ(mostly.likely()[0].depth, 2);
  EXPECT_EQ(mostly.likely()[0].levels, 1);
  Walks deep;
  deep.add(rows, far, forest(), kTree);
  EXPECT_EQ(deep.likely()[0].levels, 2);
}

TEST(ClassifierWalks, AreByTree) {
  const TreeRows rows = rowsOf({{200, 255}, {130, 140}});
  const std::vector<uint32_t> numbers{0, 1};
  Walks walks;
  walks.add(rows, numbers, forest(), {.roots = {0, 1}, .depths = {0, 2}, .cost = 0});
  ASSERT_EQ(walks.likely().size(), 2);
  EXPECT_EQ(walks.likely()[0].levels, 0);
  EXPECT_EQ(walks.likely()[0].depth, 0);
  EXPECT_EQ(walks.likely()[1].levels, 2);
}

} // namespace
} // namespace xdpc::plan
