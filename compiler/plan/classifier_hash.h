// Perfect hashes over rows that are single points: hash and displace (Belazzougui, Botelho and Dietzfelbinger, 2009). A
// key's hash chooses a displacement, and both choose the one slot that the key can be in. Entry point: makeRowHash.
// Tested by tests/unit/plan/classifier_hash_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace xdpc::plan {

// What lowering emits is the same. `hash`: hashOf (hash_table.h) of the key with kRowSeed. Bits 32 and up of the first
// product say which displacement, of the second which slot, each times how many there are.
inline constexpr uint64_t kRowSeed = 0xd6e8feb86659fd93, kDisplaceMix = 0xa0761d6478bd642f;
inline uint32_t displacementOf(uint64_t hash, uint32_t count) {
  return static_cast<uint32_t>((hash >> 32) * count >> 32);
}
inline uint32_t rowSlotOf(uint64_t hash, uint16_t displacement, uint32_t slots) {
  const uint64_t moved = (hash ^ hash >> 29) * (kDisplaceMix + 2 * uint64_t{displacement});
  return static_cast<uint32_t>((moved >> 32) * slots >> 32);
}

struct RowHash {
  std::vector<uint16_t> displacements;
  std::vector<uint64_t> slots; // of each the key's words, then its result; 0 where there is none
};

// `keys`: `words` words each, all different; `results`: one a key, none of them 0. Nothing where two keys have one
// hash.
std::optional<RowHash> makeRowHash(const std::vector<uint64_t>& keys, uint32_t words,
                                   const std::vector<uint64_t>& results);

// Nanoseconds of a lookup, an estimate; measured by tests/bench/classifiers.py.
double rowHashCost(const RowHash& hash);

} // namespace xdpc::plan
