// Builds cut trees, each node by the cut that is likely to make a lookup fastest for the bytes that it takes.
#include "compiler/plan/classifier_tree.h"
#include "compiler/plan/classifier_cut.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace xdpc::plan {
namespace {

constexpr size_t kPairwise = 32;       // rows in a node that are compared with each other
constexpr size_t kMaxNodes = 1u << 19; // 4 MiB
constexpr size_t kMaxRefs = 1u << 20;

using Numbers = std::vector<uint32_t>;

class TreeBuilder {
public:
  TreeBuilder(const TreeRows& rows, Forest& forest) : rows_(rows), forest_(forest), chooser_(rows) {}

  // The root's number; nothing if some leaf would be too long, or the tree too large.
  std::optional<uint32_t> build(std::span<const uint32_t> numbers) {
    const auto root = static_cast<uint32_t>(forest_.nodes.size());
    forest_.nodes.push_back(0);
    forest_.nodes[root] = node(Numbers(numbers.begin(), numbers.end()), Region(rows_.lanes), 0);
    return failed_ ? std::nullopt : std::optional(root);
  }

  double averageCost() const { return weight_ > 0 ? cost_ / weight_ : 0; }

private:
  uint64_t node(const Numbers& all, const Region& region, unsigned depth) {
    const Numbers numbers = visible(all, region);
    const auto cut = depth < kMaxTreeDepth ? chooser_.choose(numbers, region) : std::nullopt;
    if (!cut || failed_)
      return leaf(numbers, depth);
    return inner(numbers, region, *cut, depth);
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
  Numbers visible(const Numbers& all, const Region& region) const {
    Numbers seen;
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

  uint64_t leaf(const Numbers& numbers, unsigned depth) {
    if (numbers.size() > kMaxLeafRows || forest_.leaves.size() + numbers.size() > kMaxRefs) {
      failed_ = true;
      return 0;
    }
    const auto weight = static_cast<double>(numbers.size());
    weight_ += weight;
    cost_ += weight * (depth * kNodeCost + leafCost(weight));
    forest_.depth = std::max(forest_.depth, depth);
    forest_.longest = std::max<unsigned>(forest_.longest, numbers.size());
    const auto [known, fresh] = leaves_.try_emplace(numbers, static_cast<uint32_t>(forest_.leaves.size()));
    if (fresh)
      forest_.leaves.insert(forest_.leaves.end(), numbers.begin(), numbers.end());
    return TreeNode{.base = known->second, .word = static_cast<uint8_t>(numbers.size())}.packed();
  }

  uint64_t inner(const Numbers& numbers, const Region& region, const Cut& cut, unsigned depth) {
    const size_t children = size_t{1} << cut.width;
    const size_t base = forest_.nodes.size();
    if (base + children > kMaxNodes) {
      failed_ = true;
      return 0;
    }
    forest_.nodes.resize(base + children);
    const std::vector<Numbers> lists = distribute(numbers, region, cut);
    for (size_t first = 0; first < children && !failed_;) {
      size_t behind = first + 1;
      while (behind < children && lists[behind] == lists[first])
        ++behind;
      const uint64_t child = node(lists[first], region.child(cut, first, behind - 1), depth + 1);
      std::fill_n(forest_.nodes.begin() + static_cast<ptrdiff_t>(base + first), behind - first, child);
      first = behind;
    }
    const TreeLane& lane = rows_.lanes[cut.lane];
    return TreeNode{.base = static_cast<uint32_t>(base),
                    .word = static_cast<uint8_t>(lane.word),
                    .shift = static_cast<uint8_t>(lane.shift + cut.shift),
                    .mask = static_cast<uint16_t>(children - 1)}
        .packed();
  }

  std::vector<Numbers> distribute(const Numbers& numbers, const Region& region, const Cut& cut) const {
    const uint32_t children = 1u << cut.width;
    std::vector<Numbers> lists(children);
    for (uint32_t row : numbers) {
      const size_t at = row * rows_.lanes.size() + cut.lane;
      const CutRange range =
          rangeIn(cut, std::max(rows_.low[at], region.low[cut.lane]), std::min(rows_.high[at], region.high[cut.lane]));
      for (uint32_t i = 0; i < range.count; ++i)
        lists[(range.first + i) & (children - 1)].push_back(row);
    }
    return lists;
  }

  const TreeRows& rows_;
  Forest& forest_;
  CutChooser chooser_;
  std::map<Numbers, uint32_t> leaves_;
  double weight_ = 0, cost_ = 0;
  bool failed_ = false;
};

// Rows apart by whether they bound the two values that tell most of them apart.
class Partition {
public:
  explicit Partition(const TreeRows& rows) : rows_(rows) {}

  std::vector<Numbers> groups(std::span<const uint32_t> numbers) const {
    const std::vector<unsigned> values = principal(numbers);
    std::vector<Numbers> groups(4);
    for (uint32_t row : numbers) {
      unsigned group = 0;
      for (size_t i = 0; i < values.size(); ++i)
        group |= narrow(row, values[i]) ? 1u << i : 0;
      groups[group].push_back(row);
    }
    mergeSmall(groups, numbers.size());
    return groups;
  }

private:
  // At most a sixteenth of what the value can be.
  bool narrow(uint32_t row, unsigned value) const {
    double share = 1;
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.lanes[lane].value == value) {
        const size_t at = row * rows_.lanes.size() + lane;
        share *= (static_cast<double>(rows_.high[at]) - rows_.low[at] + 1) /
                 static_cast<double>(uint64_t{1} << rows_.lanes[lane].bits);
      }
    return share <= 1.0 / 16;
  }

  std::vector<unsigned> principal(std::span<const uint32_t> numbers) const {
    std::map<unsigned, size_t> narrow_rows;
    for (const TreeLane& lane : rows_.lanes)
      narrow_rows[lane.value] = 0;
    for (auto& [value, count] : narrow_rows) {
      std::map<std::vector<uint32_t>, bool> seen;
      for (uint32_t row : numbers)
        if (narrow(row, value))
          seen[boundsOf(row, value)] = true;
      count = seen.size();
    }
    std::vector<unsigned> values;
    for (int i = 0; i < 2 && !narrow_rows.empty(); ++i) {
      const auto most = std::ranges::max_element(narrow_rows, {}, [](const auto& one) { return one.second; });
      if (most->second > 1)
        values.push_back(most->first);
      narrow_rows.erase(most);
    }
    return values;
  }

  std::vector<uint32_t> boundsOf(uint32_t row, unsigned value) const {
    std::vector<uint32_t> bounds;
    for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
      if (rows_.lanes[lane].value == value) {
        bounds.push_back(rows_.low[row * rows_.lanes.size() + lane]);
        bounds.push_back(rows_.high[row * rows_.lanes.size() + lane]);
      }
    return bounds;
  }

  // A few rows are not worth a tree of their own: they go where they are doubled least.
  static void mergeSmall(std::vector<Numbers>& groups, size_t all) {
    const size_t few = std::max<size_t>(4, all / 100);
    const auto merge = [&](size_t from, size_t into) {
      if (into == from)
        return;
      groups[into].insert(groups[into].end(), groups[from].begin(), groups[from].end());
      std::ranges::sort(groups[into]);
      groups[from].clear();
    };
    if (groups[3].size() <= few && !groups[3].empty())
      merge(3, groups[1].size() > groups[2].size() ? 1 : 2);
    for (size_t group : {1, 2, 0})
      if (groups[group].size() <= few && !groups[group].empty())
        merge(group, std::ranges::max_element(groups, {}, &Numbers::size) - groups.begin());
    std::erase_if(groups, [](const Numbers& group) { return group.empty(); });
  }

  const TreeRows& rows_;
};

struct Attempt {
  Forest forest;
  Trees trees;
  bool worked = true;
};

Attempt attempt(const TreeRows& rows, const std::vector<Numbers>& groups) {
  Attempt attempt;
  for (const Numbers& group : groups) {
    TreeBuilder builder(rows, attempt.forest);
    const auto root = builder.build(group);
    if (!root) {
      attempt.worked = false;
      return attempt;
    }
    attempt.trees.roots.push_back(*root);
    attempt.trees.cost += builder.averageCost();
  }
  return attempt;
}

// Nanoseconds, as far as they depend on what the trees hold: of what is beyond a cache, each access takes longer.
double priceOf(const Attempt& attempt) {
  const auto bytes = static_cast<double>(attempt.forest.nodes.size() * 8 + attempt.forest.leaves.size() * 4);
  return attempt.trees.cost * (1 + bytes / (4 << 20));
}

void append(Forest& forest, Trees& trees, const Attempt& made) {
  const auto nodes = static_cast<uint32_t>(forest.nodes.size());
  const auto leaves = static_cast<uint32_t>(forest.leaves.size());
  for (uint64_t node : made.forest.nodes)
    forest.nodes.push_back(node + (node >> TreeNode::kMaskAt ? nodes : leaves));
  forest.leaves.insert(forest.leaves.end(), made.forest.leaves.begin(), made.forest.leaves.end());
  forest.depth = std::max(forest.depth, made.forest.depth);
  forest.longest = std::max(forest.longest, made.forest.longest);
  for (uint32_t root : made.trees.roots)
    trees.roots.push_back(root + nodes);
  trees.cost = made.trees.cost;
}

} // namespace

bool buildTrees(const TreeRows& rows, std::span<const uint32_t> numbers, Forest& forest, Trees& trees) {
  std::vector<std::vector<Numbers>> ways = {{Numbers(numbers.begin(), numbers.end())}};
  if (auto groups = Partition(rows).groups(numbers); groups.size() > 1)
    ways.push_back(std::move(groups));
  std::optional<Attempt> best;
  for (const auto& groups : ways) {
    Attempt made = attempt(rows, groups);
    if (made.worked && (!best || priceOf(made) < priceOf(*best)))
      best = std::move(made);
  }
  if (!best || forest.nodes.size() + best->forest.nodes.size() > kMaxNodes ||
      forest.leaves.size() + best->forest.leaves.size() > kMaxRefs)
    return false;
  append(forest, trees, *best);
  return true;
}

} // namespace xdpc::plan
