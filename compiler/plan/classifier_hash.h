// Perfect hashes over rows that are single points: hash and displace (Belazzougui, Botelho and Dietzfelbinger, 2009). A
// key's hash chooses a factor, and both choose the one slot that the key can be in. Entry point: makeRowHash.
// Tested by tests/unit/plan/classifier_hash_test.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace xdpc::plan {

// What lowering emits is the same. `hash`: the first one (hash_table.h) of the key with kRowSeed. Its upper bits say
// which factor, its product with that, from bit 32 on, times the number of slots which slot.
inline constexpr uint64_t kRowSeed = 0xd6e8feb86659fd93;
inline unsigned factorShift(size_t factors) {
  return 64 - static_cast<unsigned>(std::countr_zero(factors));
}
inline uint32_t rowSlotOf(uint64_t hash, uint32_t factor, uint32_t slots) {
  const uint64_t moved = (hash ^ hash >> 29) * factor;
  return static_cast<uint32_t>((moved >> 32) * slots >> 32);
}

struct RowHash {
  std::vector<uint32_t> factors; // a power of two of them, at least two; all odd
  std::vector<uint64_t> slots;   // of each the key's words, then its result; 0 where there is none
};

// `keys`: `words` words each, all different; `results`: one a key, none of them 0. Nothing where two keys have one
// hash.
std::optional<RowHash> makeRowHash(const std::vector<uint64_t>& keys, uint32_t words,
                                   const std::vector<uint64_t>& results);

// Nanoseconds of a lookup, an estimate; measured by tests/bench/classifiers.py.
double rowHashCost(const RowHash& hash);

} // namespace xdpc::plan
