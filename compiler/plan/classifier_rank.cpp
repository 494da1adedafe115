// Lays ranks out.
#include "compiler/plan/classifier_rank.h"
#include "compiler/plan/classifier.h"

#include <algorithm>
#include <bit>

namespace xdpc::plan {
namespace {

constexpr unsigned kLevelBits = 8; // so that a byte holds what the last level adds

class RankLayout {
public:
  RankLayout(const Ranks& ranks, RankTables& tables) : ranks_(ranks), tables_(tables) {}

  // False where a level has too many nodes.
  bool run(unsigned value_bits) {
    const auto levels = (value_bits + kLevelBits - 1) / kLevelBits;
    for (unsigned level = 0; level < levels; ++level)
      tables_.widths.push_back(level == 0 ? value_bits - (levels - 1) * kLevelBits : kLevelBits);
    tables_.inner.resize(levels - 1);
    // The first node of each level but the first adds nothing.
    for (unsigned level = 1; level + 1 < levels; ++level)
      tables_.inner[level].resize(1u << kLevelBits);
    if (levels > 1)
      tables_.last.resize(1u << kLevelBits);
    node(0, 0, value_bits);
    return fits_;
  }

private:
  // Of the values from `start` on, `bits` of which are still to be looked at. The node's number.
  uint32_t node(unsigned level, uint64_t start, unsigned bits) {
    const unsigned width = tables_.widths[level], rest = bits - width;
    const uint32_t base = ranks_.of(static_cast<uint32_t>(start));
    std::vector<uint32_t> entries;
    for (uint64_t i = 0; i < uint64_t{1} << width && fits_; ++i) {
      const uint64_t low = start + (i << rest), high = low + (uint64_t{1} << rest) - 1;
      const uint32_t first = ranks_.of(static_cast<uint32_t>(low));
      const bool whole = first == ranks_.of(static_cast<uint32_t>(high));
      const uint32_t next = whole ? 0 : node(level + 1, low, rest);
      entries.push_back((first - base) << (rest ? ClassifierRanks::kNodeBits : 0) | next);
    }
    return add(level, entries);
  }

  uint32_t add(unsigned level, const std::vector<uint32_t>& entries) {
    const bool last = level + 1 == tables_.widths.size();
    const size_t known = last ? tables_.last.size() : tables_.inner[level].size();
    if (last)
      tables_.last.insert(tables_.last.end(), entries.begin(), entries.end());
    else
      tables_.inner[level].insert(tables_.inner[level].end(), entries.begin(), entries.end());
    const size_t number = known >> tables_.widths[level];
    fits_ &= number < size_t{1} << ClassifierRanks::kNodeBits;
    return static_cast<uint32_t>(number);
  }

  const Ranks& ranks_;
  RankTables& tables_;
  bool fits_ = true;
};

} // namespace

Ranks::Ranks(std::vector<uint32_t> starts) : starts_(std::move(starts)) {
  starts_.push_back(0);
  std::ranges::sort(starts_);
  starts_.erase(std::ranges::unique(starts_).begin(), starts_.end());
}

uint32_t Ranks::of(uint32_t value) const {
  return static_cast<uint32_t>(std::ranges::upper_bound(starts_, value) - starts_.begin() - 1);
}

unsigned Ranks::bits() const {
  return std::max<unsigned>(1, std::bit_width(starts_.size() - 1));
}

std::optional<RankTables> tablesOf(const Ranks& ranks, unsigned value_bits) {
  RankTables tables;
  if (!RankLayout(ranks, tables).run(value_bits))
    return std::nullopt;
  return tables;
}

} // namespace xdpc::plan
