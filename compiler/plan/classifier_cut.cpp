// Tries cuts on a sample of the rows: windows of each lane by themselves, then the most promising ones in pairs.
#include "compiler/plan/classifier_cut.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace xdpc::plan {
namespace {

constexpr size_t kSample = 256;
constexpr size_t kPairs = 4;       // that are tried of those that look best
constexpr double kProgress = 0.85; // what a cut leaves of the rows in a child

uint32_t lowBits(unsigned count) {
  return count >= 32 ? ~0u : (1u << count) - 1;
}

// What is still to do for so many rows, in ns: nodes with some ten children each, then a leaf.
double remaining(double rows, unsigned at_once) {
  const double leaf = leafCost(rows, at_once);
  if (rows <= 1)
    return leaf;
  return std::min(leaf, leafCost(1, at_once) + kNodeCost * std::max(0.5, std::log2(rows) / 3.5));
}

} // namespace

Region::Region(const std::vector<TreeLane>& lanes) {
  for (size_t lane = 0; lane < lanes.size(); ++lane)
    high[lane] = lowBits(lanes[lane].bits);
}

void Region::enter(const Window& window, uint32_t first, uint32_t last) {
  const unsigned lane = window.lane;
  // Of several children together, the bits may still differ.
  if (first == last)
    seen[lane] |= lowBits(window.width) << window.shift;
  if (window.shift + window.width != openBits(lane))
    return;
  const uint32_t prefix = low[lane] & ~lowBits(window.shift + window.width);
  low[lane] = std::max(low[lane], prefix | first << window.shift);
  high[lane] = std::min(high[lane], prefix | last << window.shift | lowBits(window.shift));
}

CutRange rangeIn(const Window& window, uint32_t low, uint32_t high) {
  const uint32_t children = 1u << window.width;
  const uint32_t span = (high >> window.shift) - (low >> window.shift);
  if (span >= children - 1)
    return {0, children};
  return {(low >> window.shift) & (children - 1), span + 1};
}

CutRange CutChooser::range(const Window& window, uint32_t row, const Region& region) const {
  const size_t at = row * rows_.lanes.size() + window.lane;
  return rangeIn(window, std::max(rows_.low[at], region.low[window.lane]),
                 std::min(rows_.high[at], region.high[window.lane]));
}

void CutChooser::takeSample(std::span<const uint32_t> numbers) {
  sample_.clear();
  const size_t taken = std::min(numbers.size(), kSample);
  for (size_t i = 0; i < taken; ++i)
    sample_.push_back(numbers[i * numbers.size() / taken]);
}

std::optional<Cut> CutChooser::choose(std::span<const uint32_t> numbers, const Region& region) {
  if (numbers.size() <= at_once_)
    return std::nullopt;
  all_ = static_cast<double>(numbers.size());
  best_.reset();
  best_price_ = numbers.size() > kMaxLeafRows ? HUGE_VAL : leafCost(all_, at_once_);
  takeSample(numbers);
  candidates_.clear();
  widest_ = std::min<unsigned>(kMaxCutBits, std::bit_width(numbers.size()) + 1);
  for (unsigned lane = 0; lane < rows_.lanes.size(); ++lane)
    lookAt(lane, region);
  tryPairs(region);
  return best_;
}

// Windows at the top of what is open, and others anywhere below.
void CutChooser::lookAt(unsigned lane, const Region& region) {
  const unsigned open = region.openBits(lane);
  for (unsigned width = 1; width <= std::min(widest_, open); width += width < 4 ? 1 : 2) {
    Candidate best{.window = {}, .effect = {.others = 2, .copies = 1}};
    for (unsigned shift = open - width;; shift = shift < 2 ? 0 : shift - std::max(2u, width / 2)) {
      const bool looked_at = (region.seen[lane] >> shift & lowBits(width)) != 0;
      if (!looked_at && (shift + width == open || width > 1)) {
        const Window window{lane, shift, width};
        const Effect effect = effectOf(window, region);
        if (effect.others < best.effect.others)
          best = {window, effect};
      }
      if (shift < std::max(2u, width / 2))
        break;
    }
    if (best.effect.others > 1)
      continue;
    candidates_.push_back(best);
    if (const double price = priceOf(best.effect, width); price < best_price_) {
      best_price_ = price;
      best_ = pair(best.window, {});
    }
  }
}

// By rows, not by their copies: packets are taken to match all rows alike.
CutChooser::Effect CutChooser::effectOf(const Window& window, const Region& region) {
  const uint32_t children = 1u << window.width;
  steps_.assign(children + 1, 0);
  ranges_.clear();
  double copies = 0;
  int32_t everywhere = 0;
  for (uint32_t row : sample_) {
    const CutRange range = ranges_.emplace_back(this->range(window, row, region));
    copies += range.count;
    if (range.count == children) {
      ++everywhere;
      continue;
    }
    const uint32_t behind = range.first + range.count;
    ++steps_[range.first];
    --steps_[std::min(behind, children)];
    if (behind > children) {
      ++steps_[0];
      --steps_[behind - children];
    }
  }
  if (everywhere == static_cast<int32_t>(sample_.size()))
    return {.others = 2, .copies = 1}; // nothing is told apart
  // steps_[i]: rows in the children before i.
  int64_t here = everywhere, before = 0;
  for (uint32_t child = 0; child <= children; ++child) {
    here += steps_[child];
    steps_[child] = static_cast<int32_t>(before);
    before += here;
  }
  double beside = 0;
  for (const CutRange& range : ranges_) {
    const uint32_t behind = range.first + range.count;
    int64_t rows = steps_[std::min(behind, children)] - steps_[range.first];
    if (behind > children)
      rows += steps_[behind - children];
    beside += static_cast<double>(rows) / range.count - 1;
  }
  const auto taken = static_cast<double>(sample_.size());
  return {.others = beside / taken / (taken - 1), .copies = copies / taken};
}

CutChooser::Effect CutChooser::effectOf(const Cut& cut, const Region& region) {
  const uint32_t columns = 1u << cut.first.width, lines = 1u << cut.second.width;
  steps_.assign(size_t{columns} * lines, 0);
  const auto each = [&](uint32_t row, const auto& visit) {
    const CutRange across = range(cut.first, row, region), along = range(cut.second, row, region);
    for (uint32_t line = 0; line < along.count; ++line)
      for (uint32_t column = 0; column < across.count; ++column)
        visit(steps_[((along.first + line) & (lines - 1)) * columns + ((across.first + column) & (columns - 1))]);
  };
  for (uint32_t row : sample_)
    each(row, [](int32_t& rows) { ++rows; });
  double copies = 0, beside = 0;
  for (uint32_t row : sample_) {
    double own = 0, rows = 0;
    each(row, [&](int32_t there) { ++own, rows += there; });
    copies += own;
    beside += rows / own - 1;
  }
  const auto taken = static_cast<double>(sample_.size());
  return {.others = beside / taken / (taken - 1), .copies = copies / taken};
}

double CutChooser::priceOf(const Effect& effect, unsigned width) const {
  const double rows = 1 + effect.others * (all_ - 1);
  if (rows > kProgress * all_)
    return HUGE_VAL;
  // Children that are nodes have children of their own.
  const double below = rows > at_once_ ? 2 * effect.copies : 0;
  return kNodeCost + remaining(rows, at_once_) + byte_cost_ * 8 * ((1u << width) / all_ + below);
}

// A window can be in the high bits of the child's number if it lies at least as high in its word.
std::optional<Cut> CutChooser::pair(const Window& one, const Window& other) const {
  if (other.width == 0 || one.width == 0)
    return Cut{one.width ? one : other, {}};
  const auto at = [&](const Window& window) { return rows_.lanes[window.lane].shift + window.shift; };
  if (at(other) >= one.width)
    return Cut{one, other};
  if (at(one) >= other.width)
    return Cut{other, one};
  return std::nullopt;
}

void CutChooser::tryPairs(const Region& region) {
  struct Promise {
    double price;
    Cut cut;
  };
  std::vector<Promise> promises;
  for (const Candidate& one : candidates_)
    for (const Candidate& other : candidates_) {
      const unsigned width = one.window.width + other.window.width;
      if (one.window.lane >= other.window.lane || width > widest_)
        continue;
      if (rows_.words > 1 && rows_.words <= 2 &&
          rows_.lanes[one.window.lane].word == rows_.lanes[other.window.lane].word)
        continue;
      const double price =
          priceOf({one.effect.others * other.effect.others, one.effect.copies * other.effect.copies}, width);
      if (price >= best_price_)
        continue;
      if (const auto cut = pair(one.window, other.window))
        promises.push_back({price, *cut});
    }
  const size_t tried = std::min(kPairs, promises.size());
  std::ranges::partial_sort(promises, promises.begin() + static_cast<ptrdiff_t>(tried), {}, &Promise::price);
  for (size_t i = 0; i < tried; ++i) {
    const double price =
        priceOf(effectOf(promises[i].cut, region), promises[i].cut.first.width + promises[i].cut.second.width);
    if (price >= best_price_)
      continue;
    best_price_ = price;
    best_ = promises[i].cut;
  }
}

} // namespace xdpc::plan
