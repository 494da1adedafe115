// See earlier.h.
#include "compiler/analysis/earlier.h"

#include <bit>

namespace xdpc::analysis {
namespace {

constexpr uint64_t kMaxLooks = 2'000'000; // at other rules, all in all

unsigned bitWidth(ir::u128 number) {
  const auto high = static_cast<uint64_t>(number >> 64);
  return static_cast<unsigned>(high ? 64 + std::bit_width(high) : std::bit_width(static_cast<uint64_t>(number)));
}

ir::u128 above(ir::u128 number, unsigned bits) {
  return bits >= 128 ? 0 : number >> bits;
}

} // namespace

size_t EarlierRules::Hash::operator()(const Block& block) const {
  uint64_t hash = block.value * 31 + static_cast<uint64_t>(block.domain) * 7 + block.length;
  for (const uint64_t part : {static_cast<uint64_t>(block.prefix), static_cast<uint64_t>(block.prefix >> 64)})
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u ^ hash >> 29;
  return hash;
}

EarlierRules::Block EarlierRules::blockOf(uint32_t value, const ir::Interval& interval) {
  const unsigned length = bitWidth(interval.low ^ interval.high);
  return {value, interval.domain, length, above(interval.low, length)};
}

void EarlierRules::add(const ir::Rule& rule, Constraint constraint) {
  const auto number = static_cast<uint32_t>(rules_.size());
  Numbers* fewest = nullptr;
  Block block;
  for (const auto& [value, intervals] : constraint.bounds()) {
    if (intervals.size() != 1)
      continue;
    const Block one = blockOf(value, intervals.front());
    if (Numbers& numbers = blocks_[one]; !fewest || numbers.size() < fewest->size()) {
      fewest = &numbers;
      block = one;
    }
  }
  if (fewest)
    lengths_[{block.value, block.domain}].insert(block.length);
  (fewest ? *fewest : others_).push_back(number);
  rules_.emplace_back(&rule, std::move(constraint));
}

void EarlierRules::clear() {
  rules_.clear();
  blocks_.clear();
  others_.clear();
  lengths_.clear();
}

const ir::Rule* EarlierRules::first(const Numbers& numbers, const Constraint& constraint) {
  for (uint32_t number : numbers) {
    if (++looks_ > kMaxLooks)
      return nullptr;
    if (constraint.implies(rules_[number].second))
      return rules_[number].first;
  }
  return nullptr;
}

const ir::Rule* EarlierRules::deciding(const Constraint& constraint) {
  if (const ir::Rule* rule = first(others_, constraint))
    return rule;
  for (const auto& [value, intervals] : constraint.bounds()) {
    if (intervals.empty())
      continue;
    const Block own = blockOf(value, intervals.front());
    const auto lengths = lengths_.find({value, own.domain});
    if (lengths == lengths_.end())
      continue;
    for (unsigned length : lengths->second) {
      if (length < own.length)
        continue;
      const auto block = blocks_.find({value, own.domain, length, above(intervals.front().low, length)});
      if (block == blocks_.end())
        continue;
      if (const ir::Rule* rule = first(block->second, constraint))
        return rule;
    }
  }
  return nullptr;
}

} // namespace xdpc::analysis
