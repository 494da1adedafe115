// Makes the data of a HashTable and of a QuotientTable (lookup.h). Tested by tests/lookup.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/table_layout.h"

#include <optional>

namespace xdpc::plan {

// A key's hash; what lowering emits is the same. `words`: the most significant first.
inline constexpr uint64_t kHashMix = 0x9e3779b97f4a7c15, kOtherMix = 0xc2b2ae3d27d4eb4f;
uint64_t hashOf(const uint64_t* words, size_t count, uint64_t seed);
uint64_t otherHash(uint64_t hash);
// Both hashes of a 32-bit key, which lose nothing: 32 bits, the bucket in the upper ones.
inline constexpr uint32_t kQuotientMix = 0x85ebca6b;
uint32_t quotientHash(uint32_t key, uint32_t seed);
uint32_t otherSeed(uint32_t seed);

struct HashShape {
  uint32_t words = 1, word_bytes = 8, slots = 1, buckets = 1;
  uint64_t bytes() const { return uint64_t{2} * buckets * slots * words * word_bytes; }
};
HashShape hashShape(size_t keys, uint32_t words, uint32_t word_bytes);

struct HashData {
  HashShape shape;
  uint64_t seed = 1;
  Bytes first, second;
  std::vector<uint32_t> slot_of; // by key: its slot, those of the second table behind those of the first
};
// Of single keys, `words` words each, all different.
HashData makeHash(const std::vector<uint64_t>& keys, uint32_t words, uint32_t word_bytes);
HashTable layOut(const HashData& data, TableLayout& layout);

struct QuotientShape {
  unsigned bucket_bits = 16;
  uint32_t slots = 2;
  uint64_t bytes() const { return (uint64_t{2} << bucket_bits) * slots * 2; }
};
QuotientShape quotientShape(size_t keys);

struct QuotientData {
  QuotientShape shape;
  uint32_t seed = 1;
  Bytes first, second;
};
QuotientData makeQuotient(const std::vector<uint32_t>& keys);
QuotientTable layOut(const QuotientData& data, TableLayout& layout);

} // namespace xdpc::plan
