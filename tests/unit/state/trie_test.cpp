// runtime/sets/trie.h: what a program sees with one longest match is what a plain list of elements says.
#include "runtime/sets/sets.h"

#include "tests/support/fake_maps.h"
#include "tests/unit/state/policy.h"

#include <random>

namespace xdpc::test {
namespace {

struct Model {
  abi::KeyType type;
  std::map<abi::KeyValue, uint64_t> elements;

  bool has(const abi::KeyValue& key, uint64_t now) const {
    for (const auto& [element, end] : elements)
      if (now < end && abi::covers(type, element, key))
        return true;
    return false;
  }
};

// Few distinct bits, so that elements nest.
abi::KeyValue randomKey(std::mt19937& random, const abi::KeyType& type, bool whole) {
  abi::KeyValue key;
  for (abi::KeyKind kind : type.parts) {
    if (!abi::isPrefix(kind)) {
      key.push_back(uint64_t{random() % 2});
      continue;
    }
    const auto family = random() % 2 ? abi::Family::v4 : abi::Family::v6;
    abi::Address address{family, {}};
    address.bytes[0] = static_cast<uint8_t>(random() % 2 << 7 | random() % 2);
    address.bytes[1] = static_cast<uint8_t>(random() % 2 << 7);
    const unsigned bits = abi::addressBits(family);
    const unsigned length = whole ? bits : std::min<unsigned>(bits, random() % 18);
    key.push_back(abi::Prefix{abi::maskAddress(address, length), static_cast<uint8_t>(length)});
  }
  return key;
}

void compareWithModel(const abi::KeyType& type, std::vector<abi::PrefixLength> exact_lengths, unsigned seed) {
  const abi::Manifest manifest = setPolicy(type, 1'000, std::move(exact_lengths));
  FakeMaps maps(manifest);
  const abi::Set& set = manifest.sets[0];
  Model model{type, {}};
  std::mt19937 random(seed);
  uint64_t now = 1'000;
  for (int step = 0; step < 300; ++step, now += random() % 20) {
    const std::vector<abi::KeyValue> key = {randomKey(random, type, random() % 8 == 0)};
    const uint64_t ttl = random() % 200;
    switch (random() % 3) {
    case 0:
      model.elements.erase(key[0]);
      (void)sets::remove(maps, manifest, set, key, now);
      break;
    case 1:
      model.elements[key[0]] = now + ttl;
      unwrap(sets::add(maps, manifest, set, key, {now, ttl, true}));
      break;
    default:
      model.elements[key[0]] = std::max(model.elements[key[0]], now + ttl);
      unwrap(sets::add(maps, manifest, set, key, {now, ttl, false}));
    }
    for (int probe = 0; probe < 30; ++probe) {
      const abi::KeyValue wanted = randomKey(random, type, true);
      ASSERT_EQ(unwrap(sets::has(maps, set, wanted, now)), model.has(wanted, now))
          << "step " << step << ", " << abi::formatKey(type, wanted);
    }
  }
}

TEST(Trie, AgreesWithAPlainList) {
  for (unsigned seed = 0; seed < 12; ++seed)
    compareWithModel({{abi::KeyKind::IpPrefix}}, {}, seed);
}

TEST(Trie, AgreesWithAPlainListInTuples) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    compareWithModel({{abi::KeyKind::Port, abi::KeyKind::IpPrefix}}, {}, seed);
    compareWithModel({{abi::KeyKind::IpPrefix, abi::KeyKind::U8}}, {}, seed);
  }
}

TEST(Trie, AgreesWithAPlainListInTwoParts) {
  for (unsigned seed = 0; seed < 5; ++seed)
    compareWithModel({{abi::KeyKind::IpPrefix}}, {{abi::Family::v4, 8}, {abi::Family::v4, 32}, {abi::Family::v6, 9}},
                     seed);
}

// The announced count is raised before the element is there, else a program would miss it.
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
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::Ipv4Prefix}}, 10);
  Watched maps(manifest);
  const std::vector<abi::KeyValue> key = {abi::parseKey(manifest.sets[0].key, "10.0.0.0/8").value()};
  unwrap(sets::add(maps, manifest, manifest.sets[0], key, {}));
  EXPECT_EQ(maps.updates, 1u);
}

// Loading a long list costs one write an element.
TEST(Trie, WritesEachElementOfAListOnce) {
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::Ipv4Prefix}}, 20'000);
  FakeMaps maps(manifest);
  std::vector<abi::KeyValue> keys;
  for (uint32_t i = 0; i < 20'000; ++i)
    keys.push_back(
        {abi::Prefix{{abi::Family::v4, {10, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 0}}, 24}});
  unwrap(sets::add(maps, manifest, manifest.sets[0], keys, {}));
  EXPECT_EQ(maps.updates, 20'000u);
}

} // namespace
} // namespace xdpc::test
