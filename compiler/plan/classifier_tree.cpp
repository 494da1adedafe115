// Tries ways to separate rows into trees, and prices of bytes until the trees fit.
#include "compiler/plan/classifier_tree.h"
#include "compiler/plan/classifier_builder.h"

#include <algorithm>

namespace xdpc::plan {
namespace {

constexpr size_t kMaxNodes = 1u << 19; // 4 MiB
constexpr size_t kMaxRefs = 1u << 20;
constexpr size_t kTried = 1500; // rows on which ways to separate are compared
constexpr size_t kMany = 20000; // rows of which bytes are dear from the start: cheap ones would not fit
constexpr size_t kManyTimes = kMany / kTried;
constexpr double kTreeCost = 12;       // of a tree more beside others, whose loads overlap
constexpr double kNearBytes = 1 << 20; // of a near cache

struct Attempt {
  Forest forest;
  Trees trees;
  bool worked = true;
};

Attempt attempt(const TreeRows& rows, const Groups& groups, Budget budget) {
  Attempt made;
  for (const Rows& group : groups) {
    TreeBuilder builder(rows, made.forest, budget);
    const auto root = builder.build(group);
    if (!root) {
      made.worked = false;
      return made;
    }
    made.trees.roots.push_back(*root);
    const double cost = builder.averageCost();
    made.trees.cost = std::max(made.trees.cost, cost) + (groups.size() > 1 ? kTreeCost : 0);
  }
  return made;
}

// Nanoseconds, as far as they depend on what the trees hold: of what is beyond a cache, each access takes longer.
double priceOf(const Attempt& attempt, double scale) {
  const auto bytes = static_cast<double>(attempt.forest.nodes.size() * 8 + attempt.forest.lists.size() * 4);
  return attempt.trees.cost * (1 + bytes * scale / kNearBytes);
}

Groups sampleOf(const Groups& groups, size_t every) {
  Groups sample;
  for (const Rows& group : groups) {
    Rows& rows = sample.emplace_back();
    for (size_t i = 0; i < group.size(); i += every)
      rows.push_back(group[i]);
  }
  return sample;
}

void append(Forest& forest, Trees& trees, const Attempt& made) {
  const auto nodes = static_cast<uint32_t>(forest.nodes.size());
  const auto lists = static_cast<uint32_t>(forest.lists.size());
  for (uint64_t node : made.forest.nodes) {
    const bool leaf = node & TreeNode::kLeaf;
    forest.nodes.push_back(node + (!leaf ? nodes : node & TreeNode::kList ? lists : 0));
  }
  forest.lists.insert(forest.lists.end(), made.forest.lists.begin(), made.forest.lists.end());
  forest.depth = std::max(forest.depth, made.forest.depth);
  forest.longest = std::max(forest.longest, made.forest.longest);
  forest.reached.resize(std::max(forest.reached.size(), made.forest.reached.size()));
  for (size_t depth = 0; depth < made.forest.reached.size(); ++depth)
    forest.reached[depth] += made.forest.reached[depth];
  for (uint32_t root : made.trees.roots)
    trees.roots.push_back(root + nodes);
  trees.cost = made.trees.cost;
}

// The best of ways to separate rows, by trees of a sample: two, for it is seldom wrong twice. Of many rows one, for
// there the next price of bytes is the better second try.
std::vector<size_t> bestOf(const TreeRows& rows, const std::vector<Groups>& ways, size_t every, Budget budget) {
  std::vector<std::pair<double, size_t>> tried;
  for (size_t i = 0; i < ways.size(); ++i)
    if (const Attempt made = attempt(rows, sampleOf(ways[i], every), budget); made.worked)
      tried.emplace_back(priceOf(made, static_cast<double>(every)), i);
  std::ranges::sort(tried);
  std::vector<size_t> best;
  for (const auto& [price, i] : tried)
    best.push_back(i);
  best.resize(std::min<size_t>(every > kManyTimes ? 1 : 2, best.size()));
  return best;
}

} // namespace

bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees) {
  const std::vector<Groups> ways = waysToSeparate(rows, numbers);
  const size_t every = 1 + numbers.size() / kTried;
  std::vector<size_t> best;
  for (double byte_cost : {0.05, 0.3, 2.0, 20.0}) {
    if (byte_cost < 0.1 && numbers.size() > kMany)
      continue;
    const size_t most = std::min(kMaxNodes, 8192 + numbers.size() * (byte_cost > 1 ? 64 : 16));
    if (best.empty() || every <= kManyTimes)
      best = bestOf(rows, ways, every,
                    {.nodes = 4096 + most / every, .refs = 4096 + most / every, .byte_cost = byte_cost});
    const Budget budget{.nodes = std::min(most, kMaxNodes - forest.nodes.size()),
                        .refs = std::min(most, kMaxRefs - forest.lists.size()),
                        .byte_cost = byte_cost,
                        .last = byte_cost > 10};
    for (size_t way : best)
      if (const Attempt made = attempt(rows, ways[way], budget); made.worked) {
        append(forest, trees, made);
        return true;
      }
  }
  return false;
}

} // namespace xdpc::plan
