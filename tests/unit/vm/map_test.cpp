// Maps of the embedded engine, one kernel type after another; map_kernel_test.cpp compares them with the kernel's.
#include "runtime/vm/map.h"
#include "tests/support/vm_run.h"

#include <cerrno>
#include <random>
#include <set>

namespace xdpc::support {
namespace {

using vm::Map;
using vm::Touch;

std::unique_ptr<Map> make(uint32_t type, uint32_t key, uint32_t value, uint32_t entries) {
  auto map = vm::makeMap({"m", MapRole::scratch, type, key, value, entries});
  EXPECT_TRUE(map) << (map ? "" : map.error().message);
  return map ? std::move(*map) : nullptr;
}

std::string shapeError(const abi::Map& shape) {
  auto map = vm::makeMap(shape);
  return map ? "" : map.error().message;
}

template <class T> const uint8_t* bytes(const T& value) {
  return reinterpret_cast<const uint8_t*>(&value);
}

int put(Map& map, uint32_t key, uint64_t value, uint64_t flags = BPF_ANY) {
  return map.update(bytes(key), bytes(value), flags);
}

std::optional<uint64_t> get(Map& map, uint32_t key, Touch touch = Touch::yes) {
  auto offset = map.find(bytes(key), touch);
  if (!offset)
    return {};
  uint64_t value;
  std::memcpy(&value, map.values() + *offset, 8);
  return value;
}

TEST(Shape, RefusesWhatTheKernelRefuses) {
  const uint32_t kHash = BPF_MAP_TYPE_HASH, kArray = BPF_MAP_TYPE_ARRAY, kRing = BPF_MAP_TYPE_RINGBUF,
                 kTrie = BPF_MAP_TYPE_LPM_TRIE;
  EXPECT_EQ(shapeError({"m", MapRole::exact, kHash, 4, 8, 0}), "map `m` has no entries");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kHash, 0, 8, 1}), "map `m` has keys of 0 bytes");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kHash, 513, 8, 1}), "map `m` has keys of 513 bytes");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kHash, 4, 0, 1}), "map `m` has values of 0 bytes");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kArray, 8, 8, 1}), "map `m` has keys of 8 bytes");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kTrie, 4, 8, 1}), "map `m` has keys of 4 bytes");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kArray, 4, 0x10000, 0x10000}), "map `m` has more than 4 GiB of values");
  EXPECT_EQ(shapeError({"m", MapRole::exact, kArray, 4, 0xfffffff9, 0xffffffff}),
            "map `m` has more than 4 GiB of values");
  EXPECT_EQ(shapeError({"m", MapRole::events, kRing, 0, 0, 5000}),
            "map `m` has 5000 bytes, which is no power of two of whole pages");
  EXPECT_EQ(shapeError({"m", MapRole::events, kRing, 4, 0, 4096}), "map `m` has keys or values, and is a ring buffer");
  EXPECT_EQ(shapeError({"m", MapRole::exact, BPF_MAP_TYPE_QUEUE, 4, 4, 1}),
            "map `m` has type 22, which the embedded engine does not have");
}

TEST(Array, HasAllEntriesFromTheStart) {
  for (uint32_t type : {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY}) {
    auto map = make(type, 4, 8, 3);
    EXPECT_EQ(get(*map, 2), 0u);
    EXPECT_EQ(get(*map, 3), std::nullopt);
    EXPECT_EQ(put(*map, 2, 7), 0);
    EXPECT_EQ(get(*map, 2), 7u);
    EXPECT_EQ(get(*map, 1), 0u);
    EXPECT_EQ(put(*map, 3, 7), -E2BIG);
    EXPECT_EQ(put(*map, 2, 7, BPF_NOEXIST), -EEXIST);
    EXPECT_EQ(put(*map, 2, 8, BPF_EXIST), 0);
    EXPECT_EQ(put(*map, 2, 8, 3), -EINVAL);
    EXPECT_EQ(map->erase(bytes(uint32_t{2})), -EINVAL);
  }
}

TEST(Array, IsWalkedInOrder) {
  auto map = make(BPF_MAP_TYPE_ARRAY, 4, 8, 3);
  std::vector<uint32_t> keys;
  for (const uint8_t* key = map->next(nullptr); key; key = map->next(bytes(keys.back()))) {
    keys.emplace_back();
    std::memcpy(&keys.back(), key, 4);
  }
  EXPECT_EQ(keys, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(Hash, HoldsAndRefusesAsTheKernel) {
  auto map = make(BPF_MAP_TYPE_HASH, 4, 8, 2);
  EXPECT_EQ(get(*map, 1), std::nullopt);
  EXPECT_EQ(put(*map, 1, 10, BPF_EXIST), -ENOENT);
  EXPECT_EQ(put(*map, 1, 10, BPF_NOEXIST), 0);
  EXPECT_EQ(put(*map, 1, 11, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(put(*map, 1, 11), 0);
  EXPECT_EQ(put(*map, 2, 20), 0);
  EXPECT_EQ(put(*map, 3, 30), -E2BIG);
  EXPECT_EQ(put(*map, 2, 21), 0); // full, but it is there
  EXPECT_EQ(put(*map, 2, 21, 4), -EINVAL);
  EXPECT_EQ(get(*map, 1), 11u);
  EXPECT_EQ(get(*map, 2), 21u);
  EXPECT_EQ(map->erase(bytes(uint32_t{1})), 0);
  EXPECT_EQ(map->erase(bytes(uint32_t{1})), -ENOENT);
  EXPECT_EQ(put(*map, 3, 30), 0);
  EXPECT_EQ(get(*map, 3), 30u);
}

TEST(Hash, ManyKeysComeAndGo) {
  auto map = make(BPF_MAP_TYPE_HASH, 4, 8, 2000);
  std::map<uint32_t, uint64_t> expected;
  std::mt19937 random(1);
  for (int i = 0; i < 50'000; ++i) {
    uint32_t key = random() % 2000;
    if (random() % 2) {
      EXPECT_EQ(put(*map, key, uint64_t(i)), 0);
      expected[key] = uint64_t(i);
    } else {
      EXPECT_EQ(map->erase(bytes(key)), expected.erase(key) ? 0 : -ENOENT);
    }
  }
  for (uint32_t key = 0; key < 2000; ++key)
    EXPECT_EQ(get(*map, key), expected.count(key) ? std::optional(expected[key]) : std::nullopt);
  std::set<uint32_t> walked;
  for (const uint8_t* at = map->next(nullptr); at; at = map->next(at)) {
    uint32_t key;
    std::memcpy(&key, at, 4);
    EXPECT_TRUE(walked.insert(key).second);
  }
  EXPECT_EQ(walked.size(), expected.size());
}

TEST(Hash, KeysOfAnyLength) {
  for (uint32_t size : {1u, 3u, 20u, 41u, 512u}) {
    auto map = make(BPF_MAP_TYPE_HASH, size, 8, 4);
    Bytes a(size, 1), b(size, 1);
    b.back() = 2;
    EXPECT_EQ(map->update(a.data(), bytes(uint64_t{1}), BPF_ANY), 0);
    EXPECT_TRUE(map->find(a.data(), Touch::yes));
    EXPECT_FALSE(map->find(b.data(), Touch::yes));
  }
}

TEST(LruHash, EvictsWhatWasUsedLongestAgo) {
  auto map = make(BPF_MAP_TYPE_LRU_HASH, 4, 8, 3);
  for (uint32_t key : {1, 2, 3})
    EXPECT_EQ(put(*map, key, key), 0);
  EXPECT_TRUE(get(*map, 1));            // used by a program
  EXPECT_TRUE(get(*map, 2, Touch::no)); // looked at from user space
  EXPECT_EQ(put(*map, 4, 4), 0);
  EXPECT_FALSE(get(*map, 2, Touch::no));
  EXPECT_EQ(put(*map, 3, 33), 0); // an update is a use
  EXPECT_EQ(put(*map, 5, 5), 0);
  EXPECT_FALSE(get(*map, 1, Touch::no));
  EXPECT_EQ(map->erase(bytes(uint32_t{4})), 0);
  EXPECT_EQ(put(*map, 6, 6), 0);
  EXPECT_TRUE(get(*map, 3, Touch::no));
  EXPECT_TRUE(get(*map, 5, Touch::no));
  EXPECT_TRUE(get(*map, 6, Touch::no));
}

TEST(LruHash, KeepsTheLastOfManyKeys) {
  auto map = make(BPF_MAP_TYPE_LRU_HASH, 4, 8, 100);
  for (uint32_t key = 0; key < 10'000; ++key)
    ASSERT_EQ(put(*map, key, key), 0);
  for (uint32_t key = 0; key < 10'000; ++key)
    EXPECT_EQ(get(*map, key, Touch::no).has_value(), key >= 9'900) << key;
}

struct TrieKey {
  uint32_t length;
  uint8_t data[4];
};

int put(Map& map, const TrieKey& key, uint64_t value, uint64_t flags = BPF_ANY) {
  return map.update(bytes(key), bytes(value), flags);
}

std::optional<uint64_t> get(Map& map, const TrieKey& key) {
  auto offset = map.find(bytes(key), Touch::yes);
  return offset ? std::optional(uint64_t(map.values()[*offset])) : std::nullopt;
}

TEST(LpmTrie, TheLongestMatchWins) {
  auto map = make(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4);
  EXPECT_EQ(put(*map, TrieKey{8, {10}}, 1), 0);
  EXPECT_EQ(put(*map, TrieKey{12, {10, 0x1f}}, 2), 0); // bits behind the prefix do not matter
  EXPECT_EQ(put(*map, TrieKey{32, {10, 0x10, 0, 1}}, 3), 0);
  EXPECT_EQ(get(*map, {32, {10, 0x10, 0, 1}}), 3u);
  EXPECT_EQ(get(*map, {32, {10, 0x10, 0, 2}}), 2u);
  EXPECT_EQ(get(*map, {32, {10, 0x20, 0, 1}}), 1u);
  EXPECT_EQ(get(*map, {31, {10, 0x10, 0, 1}}), 2u); // a shorter key meets no longer element
  EXPECT_EQ(get(*map, {11, {10, 0x10}}), 1u);
  EXPECT_EQ(get(*map, {32, {11}}), std::nullopt);
  EXPECT_EQ(get(*map, {33, {10}}), std::nullopt);
  EXPECT_EQ(put(*map, TrieKey{0, {}}, 4), 0);
  EXPECT_EQ(get(*map, {32, {11}}), 4u);
}

TEST(LpmTrie, RefusesAsTheKernel) {
  auto map = make(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 2);
  EXPECT_EQ(put(*map, TrieKey{33, {10}}, 1), -EINVAL);
  EXPECT_EQ(put(*map, TrieKey{8, {10}}, 1, BPF_EXIST), -ENOENT);
  EXPECT_EQ(put(*map, TrieKey{8, {10}}, 1), 0);
  EXPECT_EQ(put(*map, TrieKey{8, {10, 1}}, 1, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(put(*map, TrieKey{9, {10}}, 1), 0);
  EXPECT_EQ(put(*map, TrieKey{10, {10}}, 1), -ENOSPC);
  EXPECT_EQ(map->erase(bytes(TrieKey{10, {10}})), -ENOENT);
  EXPECT_EQ(map->erase(bytes(TrieKey{8, {10}})), 0);
  EXPECT_EQ(get(*map, {8, {10}}), std::nullopt);
  EXPECT_EQ(get(*map, {9, {10}}), 1u);
}

} // namespace
} // namespace xdpc::support
