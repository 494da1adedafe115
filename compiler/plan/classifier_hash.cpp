// Places keys group by group, the largest first: a group's keys share a factor, the first one under which all of their
// slots are free.
#include "compiler/plan/classifier_hash.h"
#include "compiler/plan/hash_table.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace xdpc::plan {
namespace {

constexpr size_t kKeysAGroup = 4;       // at most, on average
constexpr uint32_t kFactors = 1u << 16; // that are tried

uint32_t factorOf(uint32_t number) {
  return (number + 1) * 0x9e3779b1 | 1;
}
constexpr double kLoads[] = {0.9, 0.7, 0.5}; // of slots: the next one where a group finds no place

class Placement {
public:
  Placement(const std::vector<uint64_t>& hashes, size_t slots)
      : hashes_(hashes), factors_(std::bit_ceil(std::max<size_t>(2, hashes.size() / kKeysAGroup))),
        key_in_(slots, kFree) {}

  bool run() {
    std::vector<std::vector<uint32_t>> keys_of(factors_.size());
    for (uint32_t key = 0; key < hashes_.size(); ++key)
      keys_of[hashes_[key] >> factorShift(factors_.size())].push_back(key);
    std::vector<uint32_t> order(factors_.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, std::greater(), [&](uint32_t group) { return keys_of[group].size(); });
    return std::ranges::all_of(order, [&](uint32_t group) { return place(group, keys_of[group]); });
  }

  const std::vector<uint32_t>& factors() const { return factors_; }
  const std::vector<uint32_t>& keyIn() const { return key_in_; }
  static constexpr uint32_t kFree = UINT32_MAX;

private:
  bool place(uint32_t group, const std::vector<uint32_t>& keys) {
    const auto slots = static_cast<uint32_t>(key_in_.size());
    for (uint32_t number = 0; number < kFactors; ++number) {
      const uint32_t factor = factorOf(number);
      size_t placed = 0;
      for (; placed < keys.size(); ++placed) {
        uint32_t& there = key_in_[rowSlotOf(hashes_[keys[placed]], factor, slots)];
        if (there != kFree)
          break;
        there = keys[placed];
      }
      if (placed == keys.size()) {
        factors_[group] = factor;
        return true;
      }
      while (placed-- > 0)
        key_in_[rowSlotOf(hashes_[keys[placed]], factor, slots)] = kFree;
    }
    return false;
  }

  const std::vector<uint64_t>& hashes_;
  std::vector<uint32_t> factors_;
  std::vector<uint32_t> key_in_; // by slot
};

constexpr double kNearCost = 8;        // of a lookup
constexpr double kNearBytes = 1 << 20; // of a near cache

} // namespace

double rowHashCost(const RowHash& hash) {
  return kNearCost * (1 + static_cast<double>(hash.slots.size() * 8) / kNearBytes);
}

std::optional<RowHash> makeRowHash(const std::vector<uint64_t>& keys, uint32_t words,
                                   const std::vector<uint64_t>& results) {
  std::vector<uint64_t> hashes(results.size());
  for (size_t key = 0; key < hashes.size(); ++key)
    hashes[key] = hashOf(&keys[key * words], words, kRowSeed, HashOf::first_table);
  std::vector<uint64_t> sorted = hashes;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    return std::nullopt;
  for (double load : kLoads) {
    Placement placement(hashes, 1 + static_cast<size_t>(static_cast<double>(hashes.size()) / load));
    if (!placement.run())
      continue;
    RowHash made{.factors = placement.factors(), .slots = {}};
    for (uint32_t key : placement.keyIn()) {
      const bool free = key == Placement::kFree;
      for (uint32_t word = 0; word < words; ++word)
        made.slots.push_back(free ? 0 : keys[key * words + word]);
      made.slots.push_back(free ? 0 : results[key]);
    }
    return made;
  }
  return std::nullopt;
}

} // namespace xdpc::plan
