// Tries cuts on a sample of the rows.
#include "compiler/plan/classifier_cut.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace xdpc::plan {
namespace {

constexpr size_t kSample = 512;
constexpr unsigned kMaxWidth = 16;
constexpr double kByteCost = 0.1;  // of a byte of nodes a row
constexpr double kDoubleCost = 12; // of each row being there twice
constexpr double kProgress = 0.8;  // what a cut leaves of the rows in a child

uint32_t lowBits(unsigned count) {
  return count >= 32 ? ~0u : (1u << count) - 1;
}

// What is still to do for so many rows: nodes with some ten children each, then a leaf.
double remaining(double rows) {
  return rows <= 4 ? leafCost(rows) : leafCost(4) + kNodeCost * std::log2(rows / 4) / 3.3;
}

} // namespace

Region::Region(const std::vector<TreeLane>& lanes) {
  for (const TreeLane& lane : lanes) {
    low.push_back(0);
    high.push_back(lowBits(lane.bits));
    seen.push_back(0);
  }
}

unsigned Region::openBits(size_t lane) const {
  return static_cast<unsigned>(std::bit_width(low[lane] ^ high[lane]));
}

Region Region::child(const Cut& cut, size_t first, size_t last) const {
  Region child = *this;
  child.seen[cut.lane] |= lowBits(cut.width) << cut.shift;
  if (cut.shift + cut.width != openBits(cut.lane))
    return child;
  const uint32_t prefix = low[cut.lane] & ~lowBits(cut.shift + cut.width);
  child.low[cut.lane] = std::max(low[cut.lane], prefix | static_cast<uint32_t>(first) << cut.shift);
  child.high[cut.lane] =
      std::min(high[cut.lane], prefix | static_cast<uint32_t>(last) << cut.shift | lowBits(cut.shift));
  // Of several children together, the bits may still differ.
  if (first != last)
    child.seen[cut.lane] = seen[cut.lane];
  return child;
}

CutRange rangeIn(const Cut& cut, uint32_t low, uint32_t high) {
  const uint32_t children = 1u << cut.width;
  const uint32_t span = (high >> cut.shift) - (low >> cut.shift);
  if (span >= children - 1)
    return {0, children};
  return {(low >> cut.shift) & (children - 1), span + 1};
}

std::optional<Cut> CutChooser::choose(std::span<const uint32_t> numbers, const Region& region) {
  all_ = static_cast<double>(numbers.size());
  best_.reset();
  best_price_ = numbers.size() > kMaxLeafRows ? HUGE_VAL : leafCost(all_);
  if (numbers.size() <= 2)
    return std::nullopt;
  sample_.clear();
  const size_t taken = std::min(numbers.size(), kSample);
  for (size_t i = 0; i < taken; ++i)
    sample_.push_back(numbers[i * numbers.size() / taken]);
  const auto widest = std::min<unsigned>(kMaxWidth, std::bit_width(numbers.size()) + 2);
  for (size_t lane = 0; lane < rows_.lanes.size(); ++lane) {
    const unsigned open = region.openBits(lane);
    for (unsigned width = 1; width <= std::min(widest, open); width += width < 4 ? 1 : 2)
      for (unsigned shift = 0; shift + width <= open; ++shift) {
        const Cut cut{lane, shift, width};
        const bool top = shift + width == open;
        const bool looked_at = (region.seen[lane] >> shift & lowBits(width)) != 0;
        if (!looked_at && (top || (width > 1 && shift % 2 == 0)))
          look(cut, region);
      }
  }
  return best_;
}

void CutChooser::look(const Cut& cut, const Region& region) {
  const double found = price(cut, region);
  if (found >= best_price_)
    return;
  best_price_ = found;
  best_ = cut;
}

double CutChooser::price(const Cut& cut, const Region& region) {
  const uint32_t children = 1u << cut.width;
  steps_.assign(children + 1, 0);
  double copies = 0;
  for (uint32_t row : sample_) {
    const size_t at = row * rows_.lanes.size() + cut.lane;
    const CutRange range =
        rangeIn(cut, std::max(rows_.low[at], region.low[cut.lane]), std::min(rows_.high[at], region.high[cut.lane]));
    copies += range.count;
    const uint32_t behind = range.first + range.count;
    ++steps_[range.first];
    --steps_[std::min(behind, children)];
    if (behind > children) {
      ++steps_[0];
      --steps_[behind - children];
    }
  }
  const auto taken = static_cast<double>(sample_.size());
  double pairs = 0;
  int32_t here = 0, most = 0;
  for (uint32_t child = 0; child < children; ++child) {
    here += steps_[child];
    most = std::max(most, here);
    pairs += static_cast<double>(here) * (here - 1);
  }
  if (most == static_cast<int32_t>(sample_.size()) && copies >= taken * children)
    return HUGE_VAL; // nothing is told apart
  // Rows in the child of a row that a packet matches.
  const double others = copies > 0 && taken > 1 ? pairs / copies * (all_ - 1) / (taken - 1) : 0;
  if (1 + others > kProgress * all_)
    return HUGE_VAL;
  return kNodeCost + remaining(1 + others) + kByteCost * 8 * children / all_ + kDoubleCost * (copies / taken - 1);
}

} // namespace xdpc::plan
