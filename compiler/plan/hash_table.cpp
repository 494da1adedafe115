// Hash tables of keys that do not change: seeds are tried until all find a place.
#include "compiler/plan/hash_table.h"
#include "compiler/plan/cuckoo.h"

#include <algorithm>
#include <array>
#include <bit>

namespace xdpc::plan {
namespace {

// Of what two choices of so many slots hold, less a margin that makes the first seed do.
constexpr double kLoadOfOne = 0.45, kLoadOfTwo = 0.86, kLoadOfFour = 0.94;
constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;
constexpr unsigned kSeeds = 8;      // are tried before the tables grow
constexpr uint32_t kMostOfTwo = 32; // bytes of a bucket: half a line, so that it is never in two

uint32_t bucketOf(uint64_t hash, uint32_t buckets) {
  return static_cast<uint32_t>(((hash >> 32) * buckets) >> 32);
}

} // namespace

uint64_t hashFactor(uint64_t seed, size_t word, HashOf which) {
  uint64_t factor = (seed + 2 * word + static_cast<uint64_t>(which)) * kSpread;
  factor = (factor ^ factor >> 32) * kSpread;
  return (factor ^ factor >> 29) | 1;
}

uint64_t hashOf(const uint64_t* words, size_t count, uint64_t seed, HashOf which) {
  uint64_t hash = 0;
  for (size_t i = 0; i < count; ++i)
    hash += (count > 1 ? words[i] ^ words[i] >> 32 : words[i]) * hashFactor(seed, i, which);
  return hash;
}

uint32_t quotientHash(uint32_t key, uint32_t seed) {
  uint32_t hash = key * seed;
  hash ^= hash >> 15;
  return hash * kQuotientMix;
}

uint32_t otherSeed(uint32_t seed) {
  return seed * 0x9e3779b1;
}

HashShape hashShape(size_t keys, uint32_t words, uint32_t word_bytes) {
  HashShape shape{.words = words, .word_bytes = word_bytes};
  shape.slots = 2 * words * word_bytes <= kMostOfTwo ? 2 : 1;
  const double load = shape.slots == 2 ? kLoadOfTwo : kLoadOfOne;
  shape.buckets = static_cast<uint32_t>(static_cast<double>(keys) / load / (2 * shape.slots)) + 2;
  return shape;
}

HashData makeHash(const std::vector<uint64_t>& keys, uint32_t words, uint32_t word_bytes) {
  const size_t count = keys.size() / words;
  HashData data{.shape = hashShape(count, words, word_bytes)};
  HashShape& shape = data.shape;
  const auto bucket_in = [&](const uint64_t* key, unsigned table) {
    const HashOf which = table ? HashOf::second_table : HashOf::first_table;
    return bucketOf(hashOf(key, words, data.seed, which), shape.buckets);
  };
  std::optional<std::vector<uint32_t>> placed;
  for (unsigned tries = 1; !placed; ++tries) {
    ++data.seed;
    if (tries % kSeeds == 0)
      shape.buckets += shape.buckets / 8 + 1;
    std::array<std::vector<uint32_t>, 2> buckets;
    for (unsigned table = 0; table < 2; ++table)
      for (size_t i = 0; i < count; ++i)
        buckets[table].push_back(bucket_in(&keys[i * words], table));
    const Cuckoo cuckoo{shape.buckets, shape.slots, [&](uint32_t key, unsigned table) { return buckets[table][key]; }};
    placed = cuckoo.place(static_cast<uint32_t>(count));
  }
  // A free slot has a key that is looked for elsewhere, in the set or not, so that it is never found there.
  const auto stranger_to = [&](size_t slot) {
    const unsigned table = slot >= size_t{shape.buckets} * shape.slots;
    const auto bucket = static_cast<uint32_t>(slot / shape.slots - table * shape.buckets);
    std::vector<uint64_t> stranger(words, 0);
    while (bucket_in(stranger.data(), table) == bucket)
      ++stranger[words - 1];
    return stranger;
  };
  data.slot_of.resize(count);
  for (size_t slot = 0; slot < placed->size(); ++slot) {
    const uint32_t key = (*placed)[slot];
    if (key != kFree)
      data.slot_of[key] = static_cast<uint32_t>(slot);
    const std::vector<uint64_t> stranger = key == kFree ? stranger_to(slot) : std::vector<uint64_t>();
    const uint64_t* const stored = key == kFree ? stranger.data() : &keys[size_t{key} * words];
    for (uint32_t word = 0; word < words; ++word)
      append(slot < placed->size() / 2 ? data.first : data.second, stored[word], word_bytes);
  }
  return data;
}

HashTable layOut(const HashData& data, TableLayout& layout) {
  const HashShape& shape = data.shape;
  HashTable table{shape.words, shape.word_bytes, shape.slots, shape.buckets, data.seed, {}, {}};
  const uint32_t bucket_bytes = shape.slots * shape.words * shape.word_bytes;
  table.first = layout.place(data.first, bucket_bytes);
  table.second = layout.place(data.second, bucket_bytes);
  return table;
}

QuotientShape quotientShape(size_t keys) {
  QuotientShape shape;
  const auto count = static_cast<double>(keys);
  if (count <= kLoadOfTwo * 4 * 65536)
    return shape;
  shape.slots = 4;
  while (count > kLoadOfFour * 8 * static_cast<double>(uint64_t{1} << shape.bucket_bits))
    ++shape.bucket_bits;
  return shape;
}

QuotientData makeQuotient(const std::vector<uint32_t>& keys) {
  QuotientData data{.shape = quotientShape(keys.size())};
  const uint32_t slots = data.shape.slots;
  unsigned rest_bits = 32 - data.shape.bucket_bits;
  const auto hash = [&](uint32_t key, unsigned table) {
    return quotientHash(keys[key], table ? otherSeed(data.seed) : data.seed);
  };
  std::optional<std::vector<uint32_t>> placed;
  for (unsigned tries = 1; !placed; ++tries) {
    data.seed = data.seed * 0x9e3779b1 | 1;
    if (tries % kSeeds == 0)
      rest_bits = 32 - ++data.shape.bucket_bits;
    const Cuckoo cuckoo{uint32_t{1} << data.shape.bucket_bits, slots,
                        [&](uint32_t key, unsigned table) { return hash(key, table) >> rest_bits; }};
    placed = cuckoo.place(static_cast<uint32_t>(keys.size()));
  }
  std::vector<uint16_t> rests;
  for (size_t first = 0; first < placed->size(); first += slots) {
    const unsigned table = first >= placed->size() / 2;
    rests.clear();
    for (size_t slot = first; slot < first + slots; ++slot)
      if ((*placed)[slot] != kFree)
        rests.push_back(static_cast<uint16_t>(hash((*placed)[slot], table) & ((1u << rest_bits) - 1)));
    std::ranges::sort(rests);
    if (rests.empty())
      rests = {1, 0}; // descending: there is none
    rests.resize(slots, rests.back());
    for (uint16_t rest : rests)
      append(table ? data.second : data.first, rest, 2);
  }
  return data;
}

QuotientTable layOut(const QuotientData& data, TableLayout& layout) {
  QuotientTable table{.bucket_bits = data.shape.bucket_bits, .slots = data.shape.slots, .seed = data.seed};
  table.first = layout.place(data.first, data.shape.slots * 2);
  table.second = layout.place(data.second, data.shape.slots * 2);
  return table;
}

} // namespace xdpc::plan
