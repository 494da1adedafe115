// runtime/sets/prefix_front.h: where elements go, that all of them are found wherever they went, and that changes end
// where a new beginning would.
#include "runtime/sets/prefix_front.h"
#include "runtime/sets/prefix_trie.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

#include <random>
#include <set>

namespace xdpc::test {
namespace {

using abi::ElementPlace;
using sets::PrefixKey;

PrefixKey v4(uint32_t address, unsigned length) {
  return PrefixKey{abi::Family::v4, static_cast<uint8_t>(length), {uint64_t{address} << 32, 0}}.cut(
      static_cast<uint8_t>(length));
}

class Fixture {
public:
  explicit Fixture(uint32_t capacity, abi::KeyKind kind = abi::KeyKind::IpPrefix)
      : manifest(setPolicy({{kind}}, capacity)), maps(manifest),
        memory(unwrap(sets::PrefixMemory::open(maps, manifest, manifest.sets[0]))) {}

  void add(const PrefixKey& key, std::optional<uint64_t> ttl = {}) {
    const std::vector<abi::KeyValue> one = {sets::keyValue(key)};
    unwrap(sets::add(maps, manifest, manifest.sets[0], one, {.now_ns = 10, .ttl_ns = ttl, .replace = true}));
  }
  void add(const char* text, std::optional<uint64_t> ttl = {}) {
    add(sets::prefixKey(abi::parseKey(manifest.sets[0].key, text).value()), ttl);
  }
  void remove(const PrefixKey& key) {
    const std::vector<abi::KeyValue> one = {sets::keyValue(key)};
    unwrap(sets::remove(maps, manifest, manifest.sets[0], one, 10));
  }
  void remove(const char* text) { remove(sets::prefixKey(abi::parseKey(manifest.sets[0].key, text).value())); }
  bool has(const char* text) { return has(sets::prefixKey(abi::parseKey(manifest.sets[0].key, text).value())); }
  bool has(const PrefixKey& key) {
    return unwrap(sets::has(maps, manifest, manifest.sets[0], sets::keyValue(key), 20));
  }
  const abi::FrontCounts& counts() const { return memory.counts(memory.head().area); }

  abi::Manifest manifest;
  FakeMaps maps;
  sets::PrefixMemory memory;
};

TEST(PrefixFront, TakesWhatHasNoEndAndNoMoreThan24Bits) {
  Fixture set(1'000);
  set.add("10.0.0.0/8");
  set.add("192.0.2.0/24");
  set.add("198.51.100.7");
  EXPECT_EQ(set.counts().bitmap, 2u);
  EXPECT_EQ(set.counts().hosts, 1u);
  EXPECT_EQ(set.counts().trie[0], 0u);
  set.add("192.0.2.128/25");
  set.add("203.0.113.0/24", 100);
  set.add("203.0.113.9", 100);
  set.add("0.0.0.0"); // which stands for an empty slot
  EXPECT_EQ(set.counts().trie[0], 4u);
  set.add("2001:db8::/32");
  EXPECT_EQ(set.counts().trie[1], 1u);
  for (const char* in :
       {"10.255.255.255", "192.0.2.1", "198.51.100.7", "192.0.2.200", "203.0.113.1", "0.0.0.0", "2001:db8::1"})
    EXPECT_TRUE(set.has(in)) << in;
  for (const char* out : {"11.0.0.0", "9.255.255.255", "192.0.3.0", "198.51.100.8", "0.0.0.1", "2001:db9::"})
    EXPECT_FALSE(set.has(out)) << out;
}

TEST(PrefixFront, IsThereForSetsThatAreWorthIt) {
  EXPECT_EQ(Fixture(100).memory.layout().nodes, 0u);
  EXPECT_EQ(Fixture(1'000, abi::KeyKind::Ipv6Prefix).memory.layout().nodes, 0u);
  EXPECT_GT(Fixture(1'000, abi::KeyKind::Ipv4Prefix).memory.layout().nodes, 0u);
  Fixture small(100);
  small.add("10.0.0.0/8");
  EXPECT_EQ(small.counts().trie[0], 1u);
  EXPECT_TRUE(small.has("10.1.2.3"));
}

TEST(PrefixFront, HandsOverWhatGetsAnEndOrLosesIt) {
  Fixture set(1'000);
  for (const char* element : {"10.0.0.0/8", "192.0.2.0/24", "198.51.100.7"}) {
    set.add(element);
    EXPECT_EQ(set.counts().trie[0], 0u);
    set.add(element, 100);
    EXPECT_EQ(set.counts().bitmap + set.counts().hosts, 0u) << element;
    EXPECT_EQ(set.counts().trie[0], 1u);
    EXPECT_TRUE(set.has("10.0.0.1") || set.has("192.0.2.1") || set.has("198.51.100.7"));
    set.add(element, 5); // ended at 15
    EXPECT_FALSE(set.has("10.0.0.1") || set.has("192.0.2.1") || set.has("198.51.100.7"));
    set.add(element);
    EXPECT_EQ(set.counts().trie[0], 0u);
    EXPECT_TRUE(set.has("10.0.0.1") || set.has("192.0.2.1") || set.has("198.51.100.7"));
    set.remove(element);
  }
}

// An element of the trie owes nothing to what stands in front, which can go before it.
TEST(PrefixFront, DoesNotLendItsTimeToTheTrie) {
  Fixture set(1'000);
  set.add("10.0.0.0/8");
  set.add("10.1.0.0/28", 5);
  EXPECT_TRUE(set.has("10.1.0.1"));
  set.remove("10.0.0.0/8");
  EXPECT_FALSE(set.has("10.1.0.1"));
  EXPECT_FALSE(set.has("10.2.0.1"));
}

TEST(PrefixFront, UncoversWhatAWiderPrefixHadCovered) {
  Fixture set(1'000);
  set.add("10.0.0.0/15");
  set.add("10.1.64.0/18");
  set.add("10.1.3.0/24");
  set.add("10.0.0.0/12");
  set.remove("10.0.0.0/15");
  EXPECT_TRUE(set.has("10.0.0.1")); // by the /12
  set.remove("10.0.0.0/12");
  for (const char* in : {"10.1.64.0", "10.1.127.255", "10.1.3.77"})
    EXPECT_TRUE(set.has(in)) << in;
  for (const char* out : {"10.0.0.1", "10.1.63.255", "10.1.128.0", "10.1.2.255", "10.1.4.0", "10.15.0.0"})
    EXPECT_FALSE(set.has(out)) << out;
  set.add("10.1.0.0/16");
  set.remove("10.1.64.0/18");
  EXPECT_TRUE(set.has("10.1.64.0"));
  set.remove("10.1.0.0/16");
  EXPECT_FALSE(set.has("10.1.64.0"));
  EXPECT_TRUE(set.has("10.1.3.0"));
}

// Hosts that share their first bucket: the bucket's 8 and more, which go to their second ones, or make room.
TEST(PrefixFront, FindsHostsOfFullBuckets) {
  Fixture set(1'000);
  const uint32_t buckets = set.memory.layout().buckets;
  std::vector<uint32_t> hosts;
  for (uint32_t address = 1; hosts.size() < 60; ++address)
    if (abi::hostBucket(address, 0, buckets) == 3)
      hosts.push_back(address);
  for (uint32_t host : hosts)
    set.add(v4(host, 32));
  EXPECT_EQ(set.counts().hosts, hosts.size());
  for (uint32_t host : hosts)
    EXPECT_TRUE(set.has(v4(host, 32)));
  for (size_t i = 0; i < hosts.size(); i += 2)
    set.remove(v4(hosts[i], 32));
  for (size_t i = 0; i < hosts.size(); ++i)
    EXPECT_EQ(set.has(v4(hosts[i], 32)), i % 2 == 1);
}

TEST(PrefixFront, LeavesToTheTrieWhatFindsNoBucket) {
  Fixture set(1'000);
  const uint32_t buckets = set.memory.layout().buckets;
  std::vector<uint32_t> hosts;
  for (uint32_t address = 1; hosts.size() < 20; ++address)
    if (abi::hostBucket(address, 0, buckets) == 3 && abi::hostBucket(address, 1, buckets) == 5)
      hosts.push_back(address);
  for (uint32_t host : hosts)
    set.add(v4(host, 32));
  EXPECT_EQ(set.counts().hosts, 2 * abi::kHostSlots);
  EXPECT_EQ(set.counts().trie[0], hosts.size() - 2 * abi::kHostSlots);
  for (uint32_t host : hosts)
    EXPECT_TRUE(set.has(v4(host, 32)));
}

// Where both buckets of a host are full, others move.
TEST(PrefixFront, HoldsAllHostsOfItsCapacity) {
  Fixture set(20'000);
  std::mt19937 random(3);
  std::set<uint32_t> hosts;
  while (hosts.size() < 20'000)
    hosts.insert(random() | 1);
  for (uint32_t host : hosts)
    set.add(v4(host, 32));
  EXPECT_EQ(set.counts().trie[0], 0u);
  for (uint32_t host : hosts)
    ASSERT_TRUE(set.has(v4(host, 32)));
}

// More blocks one after the other than there are nodes: those of elements that are gone serve again.
TEST(PrefixFront, UsesNodesAgain) {
  Fixture set(300);
  for (uint32_t block = 1; block < 3'000; ++block) {
    set.add(v4(block << 16 | 0x500, 24));
    ASSERT_TRUE(set.has(v4(block << 16 | 0x501, 32)));
    if (block > 100)
      set.remove(v4((block - 100) << 16 | 0x500, 24));
  }
  EXPECT_EQ(set.counts().trie[0], 0u);
  EXPECT_EQ(set.counts().bitmap, 100u);
  EXPECT_FALSE(set.has(v4(5 << 16 | 0x501, 32)));
}

TEST(PrefixFront, IsEmptyAfterClear) {
  Fixture set(1'000);
  set.add("10.0.0.0/8");
  set.add("192.0.2.1");
  unwrap(sets::clear(set.maps, set.manifest, set.manifest.sets[0]));
  EXPECT_FALSE(set.has("10.0.0.1"));
  set.add("198.51.100.0/24");
  EXPECT_FALSE(set.has("10.0.0.1"));
  EXPECT_FALSE(set.has("192.0.2.1"));
  EXPECT_TRUE(set.has("198.51.100.1"));
}

// What is pinned may be another's.
TEST(PrefixFront, IsRefusedInAnotherSize) {
  for (uint32_t capacity : {1'000, 200'000}) {
    abi::Manifest manifest = setPolicy({{abi::KeyKind::IpPrefix}}, capacity);
    EXPECT_TRUE(abi::manifestFromJson(abi::toJson(manifest)).ok());
    const abi::TrieMaps trie = *abi::trieMaps(manifest, manifest.sets[0]);
    EXPECT_EQ(trie.hosts.has_value(), capacity == 200'000);
    for (uint32_t map : trie.all()) {
      abi::Manifest other = manifest;
      other.maps[map].value_size -= 8;
      EXPECT_FALSE(abi::manifestFromJson(abi::toJson(other)).ok());
    }
    const FakeMaps maps(manifest);
    abi::Manifest larger = manifest;
    larger.sets[0].capacity *= 2;
    EXPECT_FALSE(sets::PrefixMemory::open(maps, larger, larger.sets[0]).ok());
  }
}

} // namespace
} // namespace xdpc::test
