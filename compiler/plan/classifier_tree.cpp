// Tries ways to separate rows into trees, and prices of bytes until the trees fit.
#include "compiler/plan/classifier_tree.h"
#include "compiler/plan/classifier_builder.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace xdpc::plan {
namespace {

constexpr size_t kMaxNodes = 1u << 19; // 4 MiB
constexpr size_t kMaxRefs = 1u << 20;
constexpr size_t kTried = 1500;     // rows on which ways to separate are compared
constexpr size_t kMany = 20000;     // rows of which bytes are dear from the start: cheap ones would not fit
constexpr size_t kFewWays = 2;      // beyond, rows are of so many kinds that one tree for all is seldom the best
constexpr double kAsPromised = 1.3; // times what a sample promises
constexpr size_t kCompared = 3;     // ways that cost more, before the best of them is taken; of many rows one
constexpr size_t kSpareNodes = 4096, kFarBeyond = 2; // nodes, and times those that a sample promises
constexpr size_t kTimesTheBest = 8;    // nodes of the best way that is known: others with more take too long to try
constexpr double kTreeCost = 6;        // of a tree more beside others, whose loads overlap
constexpr double kLeastCost = 12;      // of trees for more than a few rows
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
    made.trees.depths.push_back(builder.depth());
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
  forest.longest = std::max(forest.longest, made.forest.longest);
  for (uint32_t root : made.trees.roots)
    trees.roots.push_back(root + nodes);
  trees.depths = made.trees.depths;
  trees.cost = made.trees.cost;
}

// A way to separate rows, as trees of a sample showed it.
struct Way {
  size_t number = 0;
  double price = 0;
  size_t nodes = 0;
};

// Beyond, trees cost more for their size alone than others do that are known.
size_t worthwhileNodes(double price, double scale) {
  return static_cast<size_t>(std::max(0.0, price / kLeastCost - 1) * kNearBytes / scale / sizeof(uint64_t));
}

// Those that work, the best first. Many trees are quickly made, so that they come first, and few are given up as soon
// as they are worse.
std::vector<Way> tryWays(const TreeRows& rows, const std::vector<Groups>& ways, size_t every, Budget budget) {
  std::vector<Way> tried;
  const auto scale = static_cast<double>(every);
  double best = HUGE_VAL;
  Budget left = budget;
  const size_t first =
      every > 1 && ways.size() > kFewWays ? 1 : 0; // one tree of a part of many kinds of rows tells nothing
  for (size_t way = ways.size(); way-- > first;) {
    const Attempt made = attempt(rows, sampleOf(ways[way], every), left);
    if (!made.worked)
      continue;
    tried.push_back({way, priceOf(made, scale), made.forest.nodes.size()});
    if (tried.back().price >= best)
      continue;
    best = tried.back().price;
    const size_t most = std::min(kTimesTheBest * tried.back().nodes, worthwhileNodes(best, scale));
    left.nodes = std::min(left.nodes, kSpareNodes + most);
    left.refs = std::min(left.refs, kSpareNodes + most);
  }
  std::ranges::stable_sort(tried, {}, &Way::price);
  return tried;
}

} // namespace

// What is dense in all rows is not in a sample of them: trees that grow far beyond what the sample promises are given
// up, and the next way is tried. The first way that costs what it promised is taken, or the best of a few.
bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees) {
  const std::vector<Groups> ways = waysToSeparate(rows, numbers);
  const size_t every = 1 + numbers.size() / kTried;
  const bool many = numbers.size() > kMany;
  std::vector<Way> tried;
  for (double byte_cost : {0.05, 0.3, 2.0, 20.0}) {
    if (byte_cost < 0.1 && many)
      continue;
    const bool last = byte_cost > 10;
    const size_t most = std::min(kMaxNodes, 8192 + numbers.size() * (byte_cost > 1 ? 64 : 16));
    if (tried.empty() || !many)
      tried = tryWays(rows, ways, every,
                      {.nodes = 4096 + most / every, .refs = 4096 + most / every, .byte_cost = byte_cost});
    std::optional<Attempt> best;
    size_t kept = 0;
    for (const Way& way : tried) {
      const size_t promised = last ? most : std::min(most, kSpareNodes + kFarBeyond * way.nodes * every);
      const Budget budget{.nodes = std::min(promised, kMaxNodes - forest.nodes.size()),
                          .refs = std::min(most, kMaxRefs - forest.lists.size()),
                          .byte_cost = byte_cost,
                          .last = last};
      Attempt made = attempt(rows, ways[way.number], budget);
      if (!made.worked)
        continue;
      const double price = priceOf(made, 1);
      if (!best || price < priceOf(*best, 1))
        best = std::move(made);
      if (price < kAsPromised * way.price || ++kept == (many ? 1 : kCompared))
        break;
    }
    if (best) {
      append(forest, trees, *best);
      return true;
    }
  }
  return false;
}

} // namespace xdpc::plan
