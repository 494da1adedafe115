// runtime/tables: places, capacity, what is at rest, and several threads at once.
#include "runtime/tables/table.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

#include <thread>

namespace xdpc::test {
namespace {

using tables::Merge;
using tables::Placed;
using tables::Rest;
using tables::Words;

constexpr uint64_t kNow = 1'000;

struct Numbers {
  explicit Numbers(uint32_t capacity) : manifest(setPolicy(type, capacity)), maps(manifest) {}

  tables::Table table() const { return unwrap(tables::Table::open(maps, manifest, kExactMap, type, 1)); }
  static abi::KeyValue key(uint64_t number) { return {number}; }

  abi::KeyType type{{abi::KeyKind::U64}};
  abi::Manifest manifest;
  FakeMaps maps;
};

std::optional<uint64_t> wordOf(const tables::Table& table, uint64_t number) {
  const auto words = table.find(Numbers::key(number));
  return words ? std::optional((*words)[0]) : std::nullopt;
}

TEST(Table, FindsWhatWasPut) {
  const Numbers numbers(100);
  auto table = numbers.table();
  EXPECT_EQ(wordOf(table, 7), std::nullopt);
  EXPECT_EQ(table.put(Numbers::key(7), {2'000}, Merge::replace, Rest::ofSet(kNow)), Placed::inserted);
  EXPECT_EQ(wordOf(table, 7), 2'000u);
  EXPECT_EQ(wordOf(table, 8), std::nullopt);
  EXPECT_TRUE(table.erase(Numbers::key(7)));
  EXPECT_FALSE(table.erase(Numbers::key(7)));
  EXPECT_EQ(wordOf(table, 7), std::nullopt);
}

TEST(Table, MergesAsAsked) {
  const Numbers numbers(100);
  auto table = numbers.table();
  const auto put = [&](uint64_t word, Merge how, const Rest& rest) {
    return table.put(Numbers::key(7), {word}, how, rest);
  };
  put(2'000, Merge::replace, Rest::ofSet(kNow));
  EXPECT_EQ(put(1'500, Merge::later, Rest::ofSet(kNow)), Placed::merged);
  EXPECT_EQ(wordOf(table, 7), 2'000u);
  put(2'500, Merge::later, Rest::ofSet(kNow));
  EXPECT_EQ(wordOf(table, 7), 2'500u);
  put(1'200, Merge::replace, Rest::ofSet(kNow));
  EXPECT_EQ(wordOf(table, 7), 1'200u);
  // Of a meter what is beyond the window is in the past.
  const uint64_t now = kNow << abi::kMeterShift;
  put(now + abi::kMeterSlack + 5'000, Merge::replace, Rest::ofMeter(kNow, 1'000));
  put(now + 10, Merge::later, Rest::ofMeter(kNow, 1'000));
  EXPECT_EQ(wordOf(table, 7), now + 10);
  put(now - 10, Merge::later, Rest::ofMeter(kNow, 1'000));
  EXPECT_EQ(wordOf(table, 7), now + 10);
}

TEST(Table, HoldsItsCapacity) {
  for (const uint32_t capacity : {1u, 16u, 17u, 32u, 33u, 100u, 1'000u, 65'536u}) {
    const Numbers numbers(capacity);
    auto table = numbers.table();
    EXPECT_GE(table.places(), capacity);
    for (uint64_t i = 0; i < capacity; ++i)
      ASSERT_EQ(table.put(Numbers::key(i * 0x100000001), {abi::kNever}, Merge::replace, Rest::ofSet(kNow)),
                Placed::inserted)
          << i << " of " << capacity;
    size_t found = 0;
    table.forEach([&](const abi::KeyValue&, const Words&) { ++found; });
    EXPECT_EQ(found, capacity);
  }
}

TEST(Table, IsFullBeyondItsPlacesAndTakesThoseAtRest) {
  const Numbers numbers(16);
  auto table = numbers.table();
  const auto put = [&](uint64_t number, uint64_t end, uint64_t now) {
    return table.put(Numbers::key(number), {end}, Merge::replace, Rest::ofSet(now));
  };
  for (uint64_t i = 0; i < 16; ++i)
    put(i, 2'000 + i, kNow);
  EXPECT_EQ(put(16, 9'000, kNow), Placed::full);
  EXPECT_EQ(put(16, 9'000, 2'000), Placed::inserted);
  EXPECT_EQ(wordOf(table, 0), std::nullopt);
  EXPECT_EQ(put(17, 9'000, 2'000), Placed::full);
  EXPECT_EQ(table.eraseResting(Rest::ofSet(2'004)), 4u);
  EXPECT_EQ(wordOf(table, 5), 2'005u);
  EXPECT_EQ(put(17, 9'000, 2'000), Placed::inserted);
}

TEST(Table, TakesOverALockThatWasLeftBehind) {
  const Numbers numbers(16);
  auto table = numbers.table();
  const uint64_t long_ago = 1 << 2 | 3;
  std::memcpy(numbers.maps.memory(kExactMap).data(), &long_ago, sizeof long_ago);
  EXPECT_EQ(table.put(Numbers::key(1), {2'000}, Merge::replace, Rest::ofSet(kNow)), Placed::inserted);
}

// Threads put, erase and find the same few keys. A key is never there twice, and never half of one.
TEST(Table, NeverHasAKeyTwice) {
  const Numbers numbers(16);
  constexpr uint64_t kKeys = 24, kHigh = 0x100000001;
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 4; ++number)
    threads.emplace_back([&, number] {
      auto table = numbers.table();
      uint64_t random = number + 1;
      for (int i = 0; i < 20'000; ++i) {
        random = random * 6364136223846793005 + 1442695040888963407;
        const auto key = Numbers::key((random >> 33) % kKeys * kHigh);
        if (random >> 32 & 1)
          table.put(key, {2'000 + (random >> 40)}, Merge::later, Rest::ofSet(kNow));
        else
          table.erase(key);
      }
    });
  const auto table = numbers.table();
  for (int i = 0; i < 1'000; ++i)
    table.forEach([&](const abi::KeyValue& key, const Words&) {
      const uint64_t word = std::get<uint64_t>(key[0]);
      ASSERT_EQ(word >> 32, word & 0xffffffff);
    });
  for (std::thread& thread : threads)
    thread.join();
  std::map<uint64_t, unsigned> times;
  table.forEach([&](const abi::KeyValue& key, const Words&) { ++times[std::get<uint64_t>(key[0])]; });
  for (const auto& [key, count] : times)
    EXPECT_EQ(count, 1u) << key;
}

} // namespace
} // namespace xdpc::test
