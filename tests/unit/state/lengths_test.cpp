// runtime/sets/lengths.h: sets whose elements are found by their lengths.
#include "runtime/sets/lengths.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_model.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

constexpr uint32_t kLengthsMap = 3; // behind the configuration

abi::Manifest listed(abi::KeyType type, uint32_t capacity, std::vector<abi::PrefixLength> own = {}) {
  abi::Manifest m = setPolicy({{abi::KeyKind::Port}}, capacity); // without a trie
  m.maps[kExactMap].value_size = abi::tableLayout(type, 1).bucketBytes();
  m.maps.push_back({.name = "lengths",
                    .role = abi::MapRole::lengths,
                    .type = 2,
                    .key_size = 4,
                    .value_size = abi::lengthLayout(type).bytes(),
                    .max_entries = 1,
                    .flags = 1024});
  m.sets[0].key = std::move(type);
  m.sets[0].lengths_map = kLengthsMap;
  m.sets[0].exact_lengths = std::move(own);
  return m;
}

const abi::KeyType kPairs{{abi::KeyKind::IpPrefix, abi::KeyKind::IpPrefix}};

TEST(Lengths, AgreeWithAPlainList) {
  const std::vector<abi::KeyType> types = {{{abi::KeyKind::IpPrefix}},
                                           kPairs,
                                           {{abi::KeyKind::IpPrefix, abi::KeyKind::U8, abi::KeyKind::Ipv4Prefix}},
                                           {{abi::KeyKind::Ipv6Prefix, abi::KeyKind::Ipv6Prefix}}};
  for (const abi::KeyType& type : types)
    for (unsigned seed = 0; seed < 2; ++seed) {
      const abi::Manifest manifest = listed(type, 1'000);
      FakeMaps maps(manifest);
      compareWithModel(maps, manifest, seed);
    }
}

TEST(Lengths, ThePolicysOwnAreLookedForWithoutTheList) {
  const abi::Manifest manifest = listed(
      kPairs, 100, {{abi::Family::v4, 24}, {abi::Family::v4, 32}, {abi::Family::v6, 64}, {abi::Family::v6, 128}});
  FakeMaps maps(manifest);
  const abi::Set& set = manifest.sets[0];
  const auto parse = [&](const char* text) { return abi::parseKey(set.key, text).value(); };
  unwrap(sets::add(maps, manifest, set, std::vector<abi::KeyValue>{parse("(10.0.0.0/24, 10.0.1.1)")}, {}));
  const auto count = [&] { return *reinterpret_cast<const uint32_t*>(maps.memory(kLengthsMap).data()); };
  EXPECT_EQ(count(), 0u);
  EXPECT_TRUE(unwrap(sets::has(maps, manifest, set, parse("(10.0.0.7, 10.0.1.1)"), 0)));
  EXPECT_FALSE(unwrap(sets::has(maps, manifest, set, parse("(10.0.0.7, 10.0.1.2)"), 0)));
  unwrap(sets::add(maps, manifest, set, std::vector<abi::KeyValue>{parse("(10.0.0.0/24, 10.0.0.0/8)")}, {}));
  unwrap(sets::add(maps, manifest, set, std::vector<abi::KeyValue>{parse("(11.0.0.0/24, 10.0.0.0/8)")}, {}));
  EXPECT_EQ(count(), 1u);
}

// More combinations than the list has room for.
TEST(Lengths, OnesThatNoElementHasMakeRoom) {
  const abi::Manifest manifest = listed(kPairs, 1'000);
  FakeMaps maps(manifest);
  const abi::Set& set = manifest.sets[0];
  const auto element = [](unsigned first, unsigned second) {
    const abi::Address zero{abi::Family::v4, {}};
    return abi::KeyValue{abi::Prefix{zero, static_cast<uint8_t>(first)},
                         abi::Prefix{zero, static_cast<uint8_t>(second)}};
  };
  std::vector<abi::KeyValue> all;
  for (unsigned first = 0; all.size() < abi::kMaxLengths; ++first)
    for (unsigned second = 1; second <= 32 && all.size() < abi::kMaxLengths; ++second)
      all.push_back(element(first, second));
  unwrap(sets::add(maps, manifest, set, all, {}));
  const std::vector<abi::KeyValue> more = {element(31, 0)};
  const auto refused = sets::add(maps, manifest, set, more, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, sets::SetError::Kind::full);
  EXPECT_EQ(refused.error().message,
            "the elements of the set `banned` have 255 combinations of prefix lengths, its bound");
  const abi::KeyValue whole = element(32, 32);
  EXPECT_TRUE(unwrap(sets::has(maps, manifest, set, whole, 0)));
  unwrap(sets::remove(maps, manifest, set, std::vector<abi::KeyValue>{all[7]}, 0));
  unwrap(sets::add(maps, manifest, set, more, {}));
  unwrap(sets::replace(maps, manifest, set, std::vector<sets::Element>{sets::Element{more[0], abi::kNever}}, 0));
  EXPECT_TRUE(unwrap(sets::has(maps, manifest, set, whole, 0)));
  unwrap(sets::clear(maps, manifest, set));
  EXPECT_FALSE(unwrap(sets::has(maps, manifest, set, whole, 0)));
}

} // namespace
} // namespace xdpc::test
