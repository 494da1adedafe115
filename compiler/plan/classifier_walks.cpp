// Draws packets row by row, walks them, and weighs a level too many against a branch that is not foreseen.
#include "compiler/plan/classifier_walks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace xdpc::plan {
namespace {

constexpr size_t kPackets = 512; // of each group of rows
// Nanoseconds of a level more in one of several trees, whose loads overlap, and of asking whether there is one.
constexpr double kLevelBesideOthers = 3, kAskCost = 1;

using Key = std::array<uint64_t, kMaxTreeLanes>;

Key drawKey(const TreeRows& rows, uint32_t row, std::mt19937_64& chance) {
  Key key{};
  for (size_t i = 0; i < rows.lanes.size(); ++i) {
    const uint64_t low = rows.low[row * rows.lanes.size() + i], high = rows.high[row * rows.lanes.size() + i];
    key[rows.lanes[i].word] |= (low + chance() % (high - low + 1)) << rows.lanes[i].shift;
  }
  return key;
}

unsigned depthOf(const Forest& forest, uint32_t root, const Key& key) {
  const auto window = [&](uint64_t node, unsigned word_at, unsigned shift_at, unsigned mask_at) {
    const uint64_t mask = node >> mask_at & ((1u << kMaxCutBits) - 1);
    return key[node >> word_at & (kMaxTreeLanes - 1)] >> (node >> shift_at & 63) & mask;
  };
  unsigned depth = 0;
  for (uint64_t node = forest.nodes[root]; !(node & TreeNode::kLeaf); ++depth) {
    const uint64_t base = node & ((1u << TreeNode::kBaseBits) - 1);
    node = forest.nodes[base + window(node, TreeNode::kWord0At, TreeNode::kShift0At, TreeNode::kMask0At) +
                        window(node, TreeNode::kWord1At, TreeNode::kShift1At, TreeNode::kMask1At)];
  }
  return depth;
}

// What packets lose if so many levels are walked at once: `leaves` by depth, of all packets.
double lossOf(const std::vector<double>& leaves, unsigned levels, double level_cost) {
  double loss = 0, deeper = 0;
  for (size_t depth = leaves.size(); depth-- > 0;) {
    loss += leaves[depth] * level_cost * static_cast<double>(std::max<size_t>(depth, levels));
    deeper += leaves[depth];
    if (depth >= levels && (depth > levels || deeper > leaves[depth])) // most packets' answer is foreseen
      loss += kAskCost * deeper + kMissedBranch * std::min(leaves[depth], deeper - leaves[depth]);
  }
  return loss;
}

} // namespace

void Walks::add(const TreeRows& rows, std::span<const uint32_t> numbers, const Forest& forest, const Trees& trees) {
  trees_.resize(std::max(trees_.size(), trees.roots.size()));
  std::mt19937_64 chance(numbers.size());
  const size_t packets = std::min(kPackets, 4 * numbers.size());
  const double weight = static_cast<double>(numbers.size()) / static_cast<double>(packets);
  for (size_t packet = 0; packet < packets; ++packet) {
    const Key key = drawKey(rows, numbers[packet * numbers.size() / packets], chance);
    for (size_t tree = 0; tree < trees.roots.size(); ++tree) {
      std::vector<double>& leaves = trees_[tree].leaves;
      const unsigned depth = depthOf(forest, trees.roots[tree], key);
      leaves.resize(std::max<size_t>(leaves.size(), depth + 1));
      leaves[depth] += weight;
    }
  }
  for (size_t tree = 0; tree < trees.roots.size(); ++tree)
    trees_[tree].depth = std::max(trees_[tree].depth, trees.depths[tree]);
}

std::vector<ClassifierWalk> Walks::likely() const {
  const double level_cost = trees_.size() > 1 ? kLevelBesideOthers : kNodeCost;
  std::vector<ClassifierWalk> walks;
  for (const Tree& tree : trees_) {
    ClassifierWalk& walk = walks.emplace_back(tree.depth);
    double least = HUGE_VAL;
    for (unsigned levels = 0; levels <= tree.depth; ++levels)
      if (const double loss = lossOf(tree.leaves, levels, level_cost); loss < least) {
        least = loss;
        walk.levels = levels;
      }
  }
  return walks;
}

} // namespace xdpc::plan
