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

// Children `first` to `behind`, that one not included.
struct CutPiece {
  uint32_t first = 0, behind = 0;
};

// A range that begins again at 0 is two pieces; the second is empty otherwise.
std::array<CutPiece, 2> piecesOf(const CutRange& range, uint32_t children) {
  const uint32_t behind = range.first + range.count;
  if (behind <= children)
    return {{{range.first, behind}, {}}};
  return {{{range.first, children}, {0, behind - children}}};
}

// Of each count of children. A division took half of the time.
constexpr auto kInverse = [] {
  std::array<double, (1u << kMaxCutBits) + 1> inverse{};
  for (size_t i = 1; i < inverse.size(); ++i)
    inverse[i] = 1.0 / static_cast<double>(i);
  return inverse;
}();

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

void CutChooser::takeSample(std::span<const uint32_t> numbers, const Region& region) {
  taken_ = std::min(numbers.size(), kSample);
  const size_t lanes = rows_.lanes.size();
  low_.resize(lanes * taken_);
  high_.resize(lanes * taken_);
  for (size_t i = 0; i < taken_; ++i) {
    const size_t at = numbers[i * numbers.size() / taken_] * lanes;
    for (size_t lane = 0; lane < lanes; ++lane) {
      low_[lane * taken_ + i] = std::max(rows_.low[at + lane], region.low[lane]);
      high_[lane * taken_ + i] = std::min(rows_.high[at + lane], region.high[lane]);
    }
  }
}

void CutChooser::rangesOf(const Window& window, std::vector<CutRange>& ranges) const {
  ranges.clear();
  const size_t at = window.lane * taken_;
  for (size_t i = 0; i < taken_; ++i)
    ranges.push_back(rangeIn(window, low_[at + i], high_[at + i]));
}

std::optional<Cut> CutChooser::choose(std::span<const uint32_t> numbers, const Region& region) {
  if (numbers.size() <= at_once_)
    return std::nullopt;
  all_ = static_cast<double>(numbers.size());
  best_.reset();
  best_price_ = numbers.size() > kMaxLeafRows ? HUGE_VAL : leafCost(all_, at_once_);
  takeSample(numbers, region);
  candidates_.clear();
  widest_ = std::min<unsigned>(kMaxCutBits, std::bit_width(numbers.size()) + 1);
  for (unsigned lane = 0; lane < rows_.lanes.size(); ++lane)
    lookAt(lane, region);
  tryPairs();
  return best_;
}

// Most rows share their bounds in a lane with others, and often all do.
void CutChooser::gather(unsigned lane) {
  sorted_.clear();
  for (size_t at = lane * taken_; at < (lane + 1) * taken_; ++at)
    sorted_.push_back(uint64_t{low_[at]} << 32 | high_[at]);
  std::ranges::sort(sorted_);
  alike_.clear();
  for (uint64_t bounds : sorted_) {
    const auto low = static_cast<uint32_t>(bounds >> 32), high = static_cast<uint32_t>(bounds);
    if (alike_.empty() || alike_.back().low != low || alike_.back().high != high)
      alike_.push_back({low, high, 0});
    ++alike_.back().rows;
  }
}

// Windows at the top of what is open, and others anywhere below.
void CutChooser::lookAt(unsigned lane, const Region& region) {
  gather(lane);
  if (alike_.size() == 1)
    return; // nothing is told apart
  const unsigned open = region.openBits(lane);
  for (unsigned width = 1; width <= std::min(widest_, open); width += width < 4 ? 1 : 2) {
    if (leastPrice(width) >= best_price_)
      return; // wider ones are dearer still, alone and in pairs
    Candidate best{.window = {}, .effect = {.others = 2, .copies = 1}};
    for (unsigned shift = open - width;; shift = shift < 2 ? 0 : shift - std::max(2u, width / 2)) {
      const bool looked_at = (region.seen[lane] >> shift & lowBits(width)) != 0;
      if (!looked_at && (shift + width == open || width > 1)) {
        const Window window{lane, shift, width};
        const Effect effect = effectOf(window, best.effect.others);
        if (effect.others < best.effect.others)
          best = {window, effect};
      }
      if (shift < std::max(2u, width / 2) || best.effect.others <= 0)
        break;
    }
    if (best.effect.others > 1)
      continue;
    candidates_.push_back(best);
    if (const double price = priceOf(best.effect, width); price < best_price_) {
      best_price_ = price;
      best_ = pair(best.window, {});
    }
    if (best.effect.others <= 0 && best.effect.copies <= 1)
      return; // all rows are apart
  }
}

// By rows, not by their copies: packets are taken to match all rows alike. What leaves `bound` of the others or more is
// not looked at to its end, and tells nothing apart then.
CutChooser::Effect CutChooser::effectOf(const Window& window, double bound) {
  constexpr Effect nothing{.others = 2, .copies = 1};
  const auto taken = static_cast<double>(taken_);
  const double most = bound * taken * (taken - 1) * (1 + 1e-9);
  const uint32_t children = 1u << window.width;
  steps_.assign(children + 1, 0);
  ranges_.clear();
  double copies = 0;
  int32_t everywhere = 0;
  for (const Alike& alike : alike_) {
    const CutRange range = ranges_.emplace_back(rangeIn(window, alike.low, alike.high));
    copies += static_cast<double>(range.count) * alike.rows;
    if (range.count == children) {
      everywhere += alike.rows;
      continue;
    }
    const uint32_t behind = range.first + range.count, end = std::min(behind, children);
    steps_[range.first] += alike.rows;
    steps_[end] -= alike.rows;
    steps_[0] += alike.rows; // what begins again there, or nothing
    steps_[behind - end] -= alike.rows;
  }
  if (everywhere == static_cast<int32_t>(taken_))
    return nothing;
  // steps_[i]: rows in the children before i.
  int32_t here = everywhere, before = 0;
  for (int32_t& step : steps_) {
    here += step;
    step = before;
    before += here;
  }
  double beside = 0;
  for (size_t i = 0; i < alike_.size() && beside <= most; ++i) {
    const CutRange range = ranges_[i];
    const uint32_t behind = range.first + range.count, end = std::min(behind, children);
    const int32_t rows = steps_[end] - steps_[range.first] + steps_[behind - end];
    beside += alike_[i].rows * (rows * kInverse[range.count] - 1);
  }
  if (beside > most)
    return nothing;
  return {.others = beside / taken / (taken - 1), .copies = copies / taken};
}

// As for one window, with sums over rectangles of children.
CutChooser::Effect CutChooser::effectOf(const Cut& cut) {
  const uint32_t columns = 1u << cut.first.width, lines = 1u << cut.second.width, stride = columns + 1;
  rangesOf(cut.first, ranges_);
  rangesOf(cut.second, along_);
  const auto each = [&](size_t row, const auto& visit) {
    for (const CutPiece& along : piecesOf(along_[row], lines))
      for (const CutPiece& across : piecesOf(ranges_[row], columns))
        visit(along.first * stride, along.behind * stride, across.first, across.behind);
  };
  steps_.assign(size_t{stride} * (lines + 1), 0);
  for (size_t row = 0; row < taken_; ++row)
    each(row, [&](uint32_t top, uint32_t bottom, uint32_t left, uint32_t right) {
      ++steps_[top + left];
      --steps_[top + right];
      --steps_[bottom + left];
      ++steps_[bottom + right];
    });
  // sums_[line][column]: rows in the children above and to the left.
  sums_.assign(steps_.size(), 0);
  here_.assign(columns, 0); // rows in each child of the line
  for (uint32_t line = 0; line < lines; ++line) {
    int32_t change = 0, sum = 0;
    for (uint32_t column = 0; column < columns; ++column) {
      change += steps_[line * stride + column];
      here_[column] += change;
      sum += here_[column];
      sums_[(line + 1) * stride + column + 1] = sums_[line * stride + column + 1] + sum;
    }
  }
  double copies = 0, beside = 0;
  for (size_t row = 0; row < taken_; ++row) {
    int32_t rows = 0;
    each(row, [&](uint32_t top, uint32_t bottom, uint32_t left, uint32_t right) {
      rows += sums_[bottom + right] - sums_[bottom + left] - sums_[top + right] + sums_[top + left];
    });
    copies += ranges_[row].count * along_[row].count;
    beside += rows * kInverse[ranges_[row].count] * kInverse[along_[row].count] - 1;
  }
  const auto taken = static_cast<double>(taken_);
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

// Where each row is alone in its children.
double CutChooser::leastPrice(unsigned width) const {
  return kNodeCost + leafCost(1, at_once_) + byte_cost_ * 8 * ((1u << width) / all_);
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

void CutChooser::tryPairs() {
  struct Promise {
    double price;
    Cut cut;
  };
  std::vector<Promise> promises;
  for (const Candidate& one : candidates_)
    for (const Candidate& other : candidates_) {
      const unsigned width = one.window.width + other.window.width;
      if (one.window.lane >= other.window.lane || width > widest_ || leastPrice(width) >= best_price_)
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
    const double price = priceOf(effectOf(promises[i].cut), promises[i].cut.first.width + promises[i].cut.second.width);
    if (price >= best_price_)
      continue;
    best_price_ = price;
    best_ = promises[i].cut;
  }
}

} // namespace xdpc::plan
