// Every key is found in its slot, and nothing else is.
#include "compiler/plan/classifier_hash.h"
#include "compiler/plan/hash_table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace xdpc::plan {
namespace {

uint64_t lookUp(const RowHash& hash, const std::vector<uint64_t>& key) {
  const size_t words = key.size();
  const auto slots = static_cast<uint32_t>(hash.slots.size() / (words + 1));
  const uint64_t hashed = hashOf(key.data(), words, kRowSeed, HashOf::first_table);
  const size_t at = rowSlotOf(hashed, hash.factors[hashed >> factorShift(hash.factors.size())], slots) * (words + 1);
  return std::equal(key.begin(), key.end(), hash.slots.begin() + static_cast<ptrdiff_t>(at)) ? hash.slots[at + words]
                                                                                             : 0;
}

class RowHashOf : public testing::TestWithParam<std::pair<size_t, uint32_t>> {};

TEST_P(RowHashOf, FindsItsKeysAndNoOthers) {
  const auto [count, words] = GetParam();
  std::mt19937_64 chance(count);
  std::set<std::vector<uint64_t>> all;
  while (all.size() < count) {
    std::vector<uint64_t> key;
    for (uint32_t word = 0; word < words; ++word)
      key.push_back(chance() % (word == 0 ? UINT64_MAX : 1000)); // ports are few
    all.insert(key);
  }
  std::vector<uint64_t> keys, results;
  for (const auto& key : all) {
    keys.insert(keys.end(), key.begin(), key.end());
    results.push_back(results.size() + 1);
  }
  const auto hash = makeRowHash(keys, words, results);
  ASSERT_TRUE(hash);
  EXPECT_LE(hash->slots.size() / (words + 1), 1 + count * 10 / 7);
  size_t number = 0;
  for (const auto& key : all) {
    EXPECT_EQ(lookUp(*hash, key), ++number);
    auto other = key;
    other.back() ^= 1;
    EXPECT_TRUE(all.contains(other) || lookUp(*hash, other) == 0);
  }
  EXPECT_TRUE(all.contains(std::vector<uint64_t>(words)) || lookUp(*hash, std::vector<uint64_t>(words)) == 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RowHashOf,
                         testing::Values(std::pair(size_t{1}, 1u), std::pair(size_t{2}, 1u), std::pair(size_t{100}, 1u),
                                         std::pair(size_t{1000}, 2u), std::pair(size_t{100'000}, 1u),
                                         std::pair(size_t{20'000}, 5u)));

TEST(RowHashOfNothingElse, RefusesAKeyTwice) {
  EXPECT_FALSE(makeRowHash({7, 7}, 1, {1, 2}));
}

} // namespace
} // namespace xdpc::plan
