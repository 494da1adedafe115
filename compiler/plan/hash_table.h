// Makes the data of a HashTable and of a QuotientTable (lookup.h). Tested by tests/lookup.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/table_layout.h"

#include <optional>

namespace xdpc::plan {

// A key's two hashes, of which the upper halves are used; what lowering emits is the same. Each is the sum of the words
// times factors that are odd: no product waits for another. Where there are several words, each has its upper half
// folded into its lower one before, or the upper bits of two words could take each other away. A bad draw of factors is
// none: the tables are made with the next seed.
enum class HashOf : uint8_t { first_table, second_table };
uint64_t hashFactor(uint64_t seed, size_t word, HashOf which);
uint64_t hashOf(const uint64_t* words, size_t count, uint64_t seed, HashOf which);
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
