// runtime/sets/trie.h: what a program sees with one longest match is what a plain list of elements says.
#include "runtime/sets/sets.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_model.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

void compare(const abi::KeyType& type, std::vector<abi::PrefixLength> exact_lengths, unsigned seed) {
  const abi::Manifest manifest = setPolicy(type, 1'000, std::move(exact_lengths));
  FakeMaps maps(manifest);
  compareWithModel(maps, manifest, seed);
}

TEST(Trie, AgreesWithAPlainList) {
  for (unsigned seed = 0; seed < 12; ++seed)
    compare({{abi::KeyKind::IpPrefix}}, {}, seed);
}

TEST(Trie, AgreesWithAPlainListInTuples) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    compare({{abi::KeyKind::Port, abi::KeyKind::IpPrefix}}, {}, seed);
    compare({{abi::KeyKind::IpPrefix, abi::KeyKind::U8}}, {}, seed);
  }
}

TEST(Trie, AgreesWithAPlainListInTwoParts) {
  for (unsigned seed = 0; seed < 5; ++seed)
    compare({{abi::KeyKind::IpPrefix}}, {{abi::Family::v4, 8}, {abi::Family::v4, 32}, {abi::Family::v6, 9}}, seed);
}

// Of tuples, whose trie is the kernel's: the announced count is raised before the element is there, else a program
// would miss it.
TEST(Trie, AnnouncesBeforeItInserts) {
  class Watched : public FakeMaps {
  public:
    using FakeMaps::FakeMaps;
    Result<Done, MapError> update(uint32_t map, std::span<const uint8_t> key, std::span<const uint8_t> value,
                                  engine::Update how) override {
      uint8_t count[4];
      unwrap(read(kControlMap, offsetof(abi::Control, trie_elements) + 4 * 3, count));
      EXPECT_EQ(count[0], 1);
      return FakeMaps::update(map, key, value, how);
    }
  };
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::Ipv4Prefix, abi::KeyKind::Port}}, 10);
  Watched maps(manifest);
  const std::vector<abi::KeyValue> key = {abi::parseKey(manifest.sets[0].key, "(10.0.0.0/8, 80)").value()};
  unwrap(sets::add(maps, manifest, manifest.sets[0], key, {}));
  EXPECT_EQ(maps.updates, 1u);
}

// Loading a long list costs one write an element.
TEST(Trie, WritesEachElementOfAListOnce) {
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::Ipv4Prefix, abi::KeyKind::Port}}, 20'000);
  FakeMaps maps(manifest);
  std::vector<abi::KeyValue> keys;
  for (uint32_t i = 0; i < 20'000; ++i)
    keys.push_back({abi::Prefix{{abi::Family::v4, {10, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 0}}, 24},
                    uint64_t{80}});
  unwrap(sets::add(maps, manifest, manifest.sets[0], keys, {}));
  EXPECT_EQ(maps.updates, 20'000u);
}

} // namespace
} // namespace xdpc::test
