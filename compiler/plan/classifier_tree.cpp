// Builds cut trees, each node by the cut that is likely to make a lookup fastest for the bytes that it takes.
#include "compiler/plan/classifier_tree.h"
#include "compiler/plan/classifier_cut.h"
#include "compiler/plan/classifier_partition.h"

#include <algorithm>
#include <map>

namespace xdpc::plan {
namespace {

constexpr size_t kPairwise = 32;       // rows in a node that are compared with each other
constexpr size_t kMaxNodes = 1u << 19; // 4 MiB
constexpr size_t kMaxRefs = 1u << 20;
constexpr size_t kTried = 1500;        // rows on which ways to separate are compared
constexpr size_t kMany = 20000;        // rows of which bytes are dear from the start: cheap ones would not fit
constexpr double kTreeCost = 12;       // of a tree more beside others, whose loads overlap
constexpr double kNearBytes = 1 << 20; // of a near cache
constexpr unsigned kLevelsAtOnce = 3;  // most walks go no deeper

// Of all trees for some rows. Where they do not fit, bytes are worth more.
struct Budget {
  size_t nodes = kMaxNodes;
  double byte_cost = 0.05;
};

class TreeBuilder {
public:
  TreeBuilder(const TreeRows& rows, Forest& forest, Budget budget)
      : rows_(rows), forest_(forest), chooser_(rows, budget.byte_cost), most_nodes_(budget.nodes) {}

  // The root's number; nothing if some leaf would be too long, or the tree too large.
  std::optional<uint32_t> build(std::span<const uint32_t> numbers) {
    const auto root = static_cast<uint32_t>(forest_.nodes.size());
    forest_.nodes.push_back(0);
    const uint64_t made = node(Rows(numbers.begin(), numbers.end()), Region(rows_.lanes), 0);
    forest_.nodes[root] = made;
    return failed_ ? std::nullopt : std::optional(root);
  }

  double averageCost() const { return weight_ > 0 ? cost_ / weight_ : 0; }

private:
  uint64_t node(const Rows& all, const Region& region, unsigned depth) {
    if (all.empty())
      return leaf(all, depth);
    const Rows numbers = visible(all, region);
    const auto cut = depth < kMaxTreeDepth ? chooser_.choose(numbers, region) : std::nullopt;
    if (!cut || failed_)
      return leaf(numbers, depth);
    auto [known, fresh] = inner_.try_emplace({numbers, boundsOf(numbers, region)}, 0);
    if (fresh)
      known->second = inner(numbers, region, *cut, depth);
    return known->second;
  }

  // What of the region tells these rows apart.
  std::vector<uint32_t> boundsOf(const Rows& numbers, const Region& region) const {
    std::vector<uint32_t> bounds;
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane) {
      const auto all = [&](uint32_t row) {
        const size_t at = row * rows_.lanes.size() + lane;
        return rows_.low[at] <= region.low[lane] && rows_.high[at] >= region.high[lane];
      };
      if (!std::ranges::all_of(numbers, all))
        bounds.insert(bounds.end(),
                      {static_cast<uint32_t>(lane), region.low[lane], region.high[lane], region.seen[lane]});
    }
    return bounds;
  }

  bool covers(uint32_t row, const Region& region) const {
    const size_t at = row * rows_.lanes.size();
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.low[at + lane] > region.low[lane] || rows_.high[at + lane] < region.high[lane])
        return false;
    return true;
  }

  // Whether no point of the region is in `later` alone.
  bool shadows(uint32_t earlier, uint32_t later, const Region& region) const {
    const size_t one = earlier * rows_.lanes.size(), other = later * rows_.lanes.size();
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.low[one + lane] > std::max(rows_.low[other + lane], region.low[lane]) ||
          rows_.high[one + lane] < std::min(rows_.high[other + lane], region.high[lane]))
        return false;
    return true;
  }

  bool goesOn(uint32_t row) const { return !rows_.goes_on.empty() && rows_.goes_on[row]; }

  // Without the rows that others hide.
  Rows visible(const Rows& all, const Region& region) const {
    Rows seen;
    for (uint32_t row : all) {
      const bool hidden = all.size() <= kPairwise && std::ranges::any_of(seen, [&](uint32_t earlier) {
                            return !goesOn(earlier) && shadows(earlier, row, region);
                          });
      if (hidden)
        continue;
      seen.push_back(row);
      if (!goesOn(row) && covers(row, region))
        break;
    }
    return seen;
  }

  uint64_t leaf(const Rows& numbers, unsigned depth) {
    if (numbers.size() > kMaxLeafRows || forest_.lists.size() + numbers.size() > most_nodes_) {
      failed_ = true;
      return 0;
    }
    const auto weight = static_cast<double>(numbers.size());
    weight_ += weight;
    cost_ += weight *
             (depth * kNodeCost + (depth > kLevelsAtOnce ? kMissedBranch : 0) + leafCost(weight, rows_.inlineRows()));
    forest_.depth = std::max(forest_.depth, depth);
    forest_.longest = std::max<unsigned>(forest_.longest, numbers.size());
    forest_.reached.resize(std::max<size_t>(forest_.reached.size(), depth + 1));
    forest_.reached[depth] += weight;
    return weight <= rows_.inlineRows() ? inlined(numbers) : listed(numbers);
  }

  uint64_t inlined(const Rows& numbers) const {
    uint64_t made = TreeNode::kLeaf;
    for (unsigned i = 0; i < rows_.inlineRows(); ++i)
      made |= uint64_t{i < numbers.size() ? numbers[i] : rows_.none()} << (i * rows_.numberBits());
    return made;
  }

  uint64_t listed(const Rows& numbers) {
    const auto [known, fresh] = lists_.try_emplace(numbers, forest_.lists.size());
    if (fresh)
      forest_.lists.insert(forest_.lists.end(), numbers.begin(), numbers.end());
    return TreeNode::kLeaf | TreeNode::kList | known->second | uint64_t{numbers.size()} << TreeNode::kCountAt;
  }

  uint64_t inner(const Rows& numbers, const Region& region, const Cut& cut, unsigned depth) {
    const size_t children = cut.children(), base = forest_.nodes.size();
    if (base + children > most_nodes_) {
      failed_ = true;
      return 0;
    }
    forest_.nodes.resize(base + children);
    const std::vector<Rows> lists = distribute(numbers, region, cut);
    const size_t columns = size_t{1} << cut.first.width;
    for (size_t first = 0; first < children && !failed_;) {
      // The same rows in neighbours along the first window are one child.
      const size_t line = first / columns, column = first % columns;
      size_t behind = first + 1;
      while (behind < (line + 1) * columns && lists[behind] == lists[first])
        ++behind;
      Region child = region;
      child.enter(cut.first, column, behind - 1 - line * columns);
      if (cut.second.width)
        child.enter(cut.second, line, line);
      const uint64_t made = node(lists[first], child, depth + 1);
      std::fill_n(forest_.nodes.begin() + static_cast<ptrdiff_t>(base + first), behind - first, made);
      first = behind;
    }
    return nodeOf(cut, static_cast<uint32_t>(base));
  }

  uint64_t nodeOf(const Cut& cut, uint32_t base) const {
    const TreeLane &one = rows_.lanes[cut.first.lane], &other = rows_.lanes[cut.second.lane];
    TreeNode low{.shift0 = one.shift + cut.first.shift, .word0 = one.word, .mask0 = (1u << cut.first.width) - 1};
    TreeNode high{.word0 = other.word};
    if (cut.second.width) {
      high.shift0 = other.shift + cut.second.shift - cut.first.width;
      high.mask0 = ((1u << cut.second.width) - 1) << cut.first.width;
    }
    // In a key of two words, the first window is the first word's.
    if (rows_.words == 2 && (cut.second.width ? one.word > other.word : one.word == 1))
      std::swap(low, high);
    return TreeNode{.base = base,
                    .shift0 = low.shift0,
                    .shift1 = high.shift0,
                    .word0 = low.word0,
                    .word1 = high.word0,
                    .mask0 = low.mask0,
                    .mask1 = high.mask0}
        .packed();
  }

  std::vector<Rows> distribute(const Rows& numbers, const Region& region, const Cut& cut) const {
    const uint32_t columns = 1u << cut.first.width, lines = 1u << cut.second.width;
    std::vector<Rows> lists(cut.children());
    for (uint32_t row : numbers) {
      const CutRange across = chooser_.range(cut.first, row, region);
      const CutRange along = cut.second.width ? chooser_.range(cut.second, row, region) : CutRange{0, 1};
      for (uint32_t line = 0; line < along.count; ++line)
        for (uint32_t column = 0; column < across.count; ++column)
          lists[((along.first + line) & (lines - 1)) * columns + ((across.first + column) & (columns - 1))].push_back(
              row);
    }
    return lists;
  }

  const TreeRows& rows_;
  Forest& forest_;
  CutChooser chooser_;
  std::map<Rows, uint32_t> lists_;
  std::map<std::pair<Rows, std::vector<uint32_t>>, uint64_t> inner_;
  size_t most_nodes_;
  double weight_ = 0, cost_ = 0;
  bool failed_ = false;
};

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

// Each way is tried on a sample first.
bool buildTrees(const TreeRows& rows, const std::vector<Groups>& ways, size_t every, Budget budget, Forest& forest,
                Trees& trees) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < ways.size(); ++i) {
    Budget part = budget;
    part.nodes = 4096 + budget.nodes / every;
    const Attempt tried = attempt(rows, sampleOf(ways[i], every), part);
    if (tried.worked)
      order.emplace_back(priceOf(tried, static_cast<double>(every)), i);
  }
  std::ranges::sort(order);
  // The sample is seldom wrong twice; of many rows, the next byte cost is the better second try.
  order.resize(std::min<size_t>(every > kMany / kTried ? 1 : 2, order.size()));
  for (const auto& [price, i] : order) {
    const Attempt made = attempt(rows, ways[i], budget);
    if (!made.worked || forest.nodes.size() + made.forest.nodes.size() > kMaxNodes ||
        forest.lists.size() + made.forest.lists.size() > kMaxRefs)
      continue;
    append(forest, trees, made);
    return true;
  }
  return false;
}

} // namespace

bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees) {
  const std::vector<Groups> ways = waysToSeparate(rows, numbers);
  const size_t every = 1 + numbers.size() / kTried;
  for (double byte_cost : {0.05, 0.3, 2.0, 20.0}) {
    if (byte_cost < 0.1 && numbers.size() > kMany)
      continue;
    const size_t most = std::min(kMaxNodes, 8192 + numbers.size() * (byte_cost > 1 ? 64 : 16));
    if (buildTrees(rows, ways, every, {.nodes = most, .byte_cost = byte_cost}, forest, trees))
      return true;
  }
  return false;
}

} // namespace xdpc::plan
