// See classifier_builder.h.
#include "compiler/plan/classifier_builder.h"

#include <algorithm>
#include <utility>

namespace xdpc::plan {
namespace {

constexpr size_t kPairwise = 32;      // rows in a node that are compared with each other
constexpr unsigned kLevelsAtOnce = 3; // most walks go no deeper

uint64_t hashOf(std::span<const uint32_t> words, uint64_t hash) {
  for (uint32_t word : words)
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u ^ hash >> 29;
  return hash;
}

} // namespace

size_t TreeBuilder::Hash::operator()(const Rows& rows) const {
  return hashOf(rows, rows.size());
}

size_t TreeBuilder::Hash::operator()(const Content& content) const {
  return hashOf(content.bounds, hashOf(content.numbers, content.numbers.size()));
}

std::span<const uint32_t> TreeBuilder::Children::operator[](size_t child) const {
  const uint32_t first = child == 0 ? 0 : behind[child - 1];
  return std::span(rows).subspan(first, behind[child] - first);
}

std::optional<uint32_t> TreeBuilder::build(std::span<const uint32_t> numbers) {
  const auto root = static_cast<uint32_t>(forest_.nodes.size());
  forest_.nodes.push_back(0);
  const Made made = node(numbers, Region(rows_.lanes), 0);
  forest_.nodes[root] = made.node;
  depth_ = made.height;
  return failed_ ? std::nullopt : std::optional(root);
}

TreeBuilder::Made TreeBuilder::node(Numbers all, const Region& region, unsigned depth) {
  findVisible(all, region);
  const auto cut = depth < kMaxTreeDepth ? chooser_.choose(visible_, region) : std::nullopt;
  if (!cut || failed_)
    return {leaf(visible_, depth), 0};
  const auto [known, fresh] = inner_.try_emplace({Rows(visible_), boundsOf(visible_, region)}, Made());
  if (!fresh)
    return known->second;
  Made& made = known->second; // stays where it is while others are added
  made = inner(known->first.numbers, region, *cut, depth);
  return made;
}

std::vector<uint32_t> TreeBuilder::boundsOf(Numbers numbers, const Region& region) const {
  std::vector<uint32_t> bounds;
  bounds.reserve(4 * rows_.lanes.size());
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

bool TreeBuilder::covers(uint32_t row, const Region& region) const {
  const size_t at = row * rows_.lanes.size();
  for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
    if (rows_.low[at + lane] > region.low[lane] || rows_.high[at + lane] < region.high[lane])
      return false;
  return true;
}

// Whether no point of the region is in `later` alone.
bool TreeBuilder::shadows(uint32_t earlier, uint32_t later, const Region& region) const {
  const size_t one = earlier * rows_.lanes.size(), other = later * rows_.lanes.size();
  for (size_t lane = 0; lane < rows_.lanes.size(); ++lane)
    if (rows_.low[one + lane] > std::max(rows_.low[other + lane], region.low[lane]) ||
        rows_.high[one + lane] < std::min(rows_.high[other + lane], region.high[lane]))
      return false;
  return true;
}

// Without the rows that others hide.
void TreeBuilder::findVisible(Numbers all, const Region& region) {
  visible_.clear();
  for (uint32_t row : all) {
    const bool hidden = all.size() <= kPairwise && std::ranges::any_of(visible_, [&](uint32_t earlier) {
                          return !goesOn(earlier) && shadows(earlier, row, region);
                        });
    if (hidden)
      continue;
    visible_.push_back(row);
    if (!goesOn(row) && covers(row, region))
      break;
  }
}

uint64_t TreeBuilder::leaf(Numbers numbers, unsigned depth) {
  if (numbers.size() > kMaxLeafRows || forest_.lists.size() + numbers.size() > budget_.refs) {
    failed_ = true;
    return 0;
  }
  const auto weight = static_cast<double>(numbers.size());
  weight_ += weight;
  cost_ +=
      weight * (depth * kNodeCost + (depth > kLevelsAtOnce ? kMissedBranch : 0) + leafCost(weight, rows_.inlineRows()));
  forest_.longest = std::max<unsigned>(forest_.longest, numbers.size());
  return numbers.size() <= rows_.inlineRows() ? inlined(numbers) : listed(numbers);
}

uint64_t TreeBuilder::inlined(Numbers numbers) const {
  uint64_t made = TreeNode::kLeaf;
  for (unsigned i = 0; i < rows_.inlineRows(); ++i)
    made |= uint64_t{i < numbers.size() ? numbers[i] : rows_.none()} << (i * rows_.numberBits());
  return made;
}

uint64_t TreeBuilder::listed(Numbers numbers) {
  const auto [known, fresh] = lists_.try_emplace(Rows(numbers.begin(), numbers.end()), forest_.lists.size());
  if (fresh)
    forest_.lists.insert(forest_.lists.end(), numbers.begin(), numbers.end());
  return TreeNode::kLeaf | TreeNode::kList | known->second | uint64_t{numbers.size()} << TreeNode::kCountAt;
}

TreeBuilder::Made TreeBuilder::inner(Numbers numbers, const Region& region, const Cut& cut, unsigned depth) {
  const size_t children = cut.children(), base = forest_.nodes.size();
  if (base + children > budget_.nodes) {
    failed_ = true;
    return {};
  }
  forest_.nodes.resize(base + children);
  const Children lists = distribute(numbers, region, cut);
  const size_t columns = size_t{1} << cut.first.width;
  unsigned height = 0;
  for (size_t first = 0; first < children && !failed_;) {
    // The same rows in neighbours along the first window are one child.
    const size_t line = first / columns, column = first % columns;
    size_t behind = first + 1;
    while (behind < (line + 1) * columns && std::ranges::equal(lists[behind], lists[first]))
      ++behind;
    Region child = region;
    child.enter(cut.first, column, behind - 1 - line * columns);
    if (cut.second.width)
      child.enter(cut.second, line, line);
    const Made made = node(lists[first], child, depth + 1);
    height = std::max(height, made.height + 1);
    std::fill_n(forest_.nodes.begin() + static_cast<ptrdiff_t>(base + first), behind - first, made.node);
    first = behind;
    failed_ |= depth == 0 && isHopeless(base + children, lists.behind[behind - 1], lists.rows.size());
  }
  return {nodeOf(cut, static_cast<uint32_t>(base)), height};
}

// The root's children begin below `below`, and a part of their rows is done: whether the tree goes far beyond its bound
// at this rate.
bool TreeBuilder::isHopeless(size_t below, size_t done, size_t all) const {
  constexpr size_t enough = 8, far = 2; // one part in so many tells the rate
  return !budget_.last && done * enough > all &&
         below + (forest_.nodes.size() - below) * all / done > far * budget_.nodes;
}

uint64_t TreeBuilder::nodeOf(const Cut& cut, uint32_t base) const {
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

TreeBuilder::Children TreeBuilder::distribute(Numbers numbers, const Region& region, const Cut& cut) {
  const uint32_t columns = 1u << cut.first.width, lines = 1u << cut.second.width;
  const auto each = [&](size_t i, const auto& visit) {
    const auto& [across, along] = ranges_[i];
    for (uint32_t line = 0; line < along.count; ++line)
      for (uint32_t column = 0; column < across.count; ++column)
        visit(((along.first + line) & (lines - 1)) * columns + ((across.first + column) & (columns - 1)));
  };
  ranges_.clear();
  Children lists;
  lists.behind.resize(cut.children());
  for (uint32_t row : numbers) {
    ranges_.emplace_back(chooser_.range(cut.first, row, region),
                         cut.second.width ? chooser_.range(cut.second, row, region) : CutRange{0, 1});
    each(ranges_.size() - 1, [&](uint32_t child) { ++lists.behind[child]; });
  }
  uint32_t all = 0;
  for (uint32_t& count : lists.behind) // where each begins, until its rows are there
    all += std::exchange(count, all);
  lists.rows.resize(all);
  for (size_t i = 0; i < numbers.size(); ++i)
    each(i, [&](uint32_t child) { lists.rows[lists.behind[child]++] = numbers[i]; });
  return lists;
}

} // namespace xdpc::plan
