// runtime/sets/prefix_trie.h: what a walk finds is what a plain list of elements says, after every change, over lists
// of every shape, with little room, and after a command was cut off.
#include "runtime/sets/prefix_trie.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_model.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

using sets::Element;
using sets::PrefixKey;

struct Killed {};

// Counts grace periods, and can die in one.
class Grace : public FakeMaps {
public:
  using FakeMaps::FakeMaps;
  Result<Done, MapError> awaitReaders() const override {
    ++waits;
    if (die)
      throw Killed{};
    return Done{};
  }
  mutable unsigned waits = 0;
  bool die = false;
};

// How prefixes are drawn: under how many different beginnings, how long, and where their bits differ.
struct Shape {
  unsigned beginnings, least, most, from;
};
constexpr Shape kShapes[] = {{1, 24, 32, 24}, {3, 8, 32, 8},  {300, 32, 32, 16},  {40, 0, 32, 0},
                             {4, 32, 64, 32}, {2, 0, 128, 0}, {2, 120, 128, 120}, {3, 64, 128, 60}};

class Drawing {
public:
  Drawing(const Shape& shape, abi::Family family, unsigned seed) : shape_(shape), family_(family), random_(seed) {}

  uint64_t number(uint64_t below) { return random_() % below; }

  PrefixKey prefix() {
    const unsigned bits = abi::addressBits(family_);
    const unsigned least = std::min(shape_.least, bits), most = std::min(shape_.most, bits);
    PrefixKey key = address();
    return key.cut(static_cast<uint8_t>(least + number(most - least + 1)));
  }

  PrefixKey address() {
    std::mt19937_64 beginning(number(shape_.beginnings));
    PrefixKey key{family_, static_cast<uint8_t>(abi::addressBits(family_)), {beginning(), beginning()}};
    const PrefixKey kept = key.cut(static_cast<uint8_t>(std::min<unsigned>(shape_.from, key.length)));
    // Few different bits, so that prefixes nest.
    const uint64_t sparse = random_() & random_();
    for (unsigned word = 0; word < 2; ++word)
      key.address[word] = kept.address[word] | (~kept.mask(word) & (number(2) ? sparse : random_()));
    return key.cut(key.length);
  }

private:
  const Shape shape_;
  const abi::Family family_;
  std::mt19937_64 random_;
};

class Trial {
public:
  Trial(abi::KeyKind kind, const Shape& shape, uint32_t capacity, unsigned seed)
      : manifest(setPolicy({{kind}}, capacity)), maps(manifest), draw_(shape, familyOf(kind, seed), seed) {}

  void step() {
    const uint64_t now = ++now_ * 10;
    const PrefixKey key = draw_.prefix();
    const std::vector<abi::KeyValue> one = {sets::keyValue(key)};
    const std::optional<uint64_t> ttl = draw_.number(2) ? std::optional(draw_.number(400)) : std::nullopt;
    switch (draw_.number(5)) {
    case 0:
    case 1:
      model_.erase(one[0]);
      (void)sets::remove(maps, manifest, set(), one, now);
      break;
    case 2:
      if (draw_.number(40) == 0)
        return replace(now);
      [[fallthrough]];
    default:
      const auto added = sets::add(maps, manifest, set(), one, {now, ttl, true});
      std::erase_if(model_, [&](const auto& element) { return element.second <= now && !added; });
      if (added)
        model_[one[0]] = ttl ? now + *ttl : abi::kNever;
      else
        EXPECT_EQ(model_.size(), set().capacity) << added.error().message;
    }
    probe(key, now);
  }

  void replace(uint64_t now) {
    std::vector<Element> elements;
    for (uint64_t i = draw_.number(set().capacity + 1); i > 0; --i)
      elements.push_back({sets::keyValue(draw_.prefix()), draw_.number(2) ? now + draw_.number(300) : abi::kNever});
    const auto replaced = sets::replace(maps, manifest, set(), elements, now);
    ASSERT_TRUE(replaced.ok()) << replaced.error().message;
    model_.clear();
    for (const Element& element : elements)
      model_[element.key] = std::max(model_[element.key], element.expires_ns);
    for (int i = 0; i < 20; ++i)
      probe(draw_.prefix(), now);
  }

  void probe(const PrefixKey& key, uint64_t now) {
    probeAt(key.address[0], key.address[1], key, now);
    probeAt(key.last(0), key.last(1), key, now);
    probeAt(key.last(0) + (key.last(1) == ~uint64_t{0}), key.last(1) + 1, key, now);
    probeAt(key.address[0] - (key.address[1] == 0), key.address[1] - 1, key, now);
    for (int i = 0; i < 4; ++i) {
      const PrefixKey address = draw_.address();
      probeAt(address.address[0], address.address[1], key, now);
    }
  }

  void probeAt(uint64_t first, uint64_t second, const PrefixKey& near, uint64_t now) {
    PrefixKey address{near.family, static_cast<uint8_t>(abi::addressBits(near.family)), {first, second}};
    address = address.cut(address.length);
    const abi::KeyValue key = sets::keyValue(address);
    bool expected = false;
    for (const auto& [element, end] : model_)
      expected |= now < end && sets::prefixKey(element).covers(address);
    ASSERT_EQ(unwrap(sets::has(maps, manifest, set(), key, now)), expected)
        << "step " << now_ << ", " << abi::formatKey(set().key, key);
  }

  void list() {
    std::erase_if(model_, [&](const auto& element) { return element.second <= now_ * 10; });
    std::map<abi::KeyValue, uint64_t> listed;
    for (const Element& element : unwrap(sets::list(maps, manifest, set(), now_ * 10)))
      listed[element.key] = element.expires_ns;
    EXPECT_EQ(listed, model_);
  }

  const abi::Set& set() const { return manifest.sets[0]; }
  size_t size() const { return model_.size(); }

  abi::Manifest manifest;
  Grace maps;

private:
  static abi::Family familyOf(abi::KeyKind kind, unsigned seed) {
    const bool v4 = kind == abi::KeyKind::Ipv4Prefix || (kind == abi::KeyKind::IpPrefix && seed % 2);
    return v4 ? abi::Family::v4 : abi::Family::v6;
  }

  Drawing draw_;
  std::map<abi::KeyValue, uint64_t> model_;
  uint64_t now_ = 100;
};

void compare(abi::KeyKind kind, uint32_t capacity, int steps) {
  unsigned seed = 0;
  for (const Shape& shape : kShapes) {
    Trial run(kind, shape, capacity, ++seed);
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i)
      run.step();
    run.list();
  }
}

TEST(PrefixTrie, AgreesWithAPlainList) {
  for (abi::KeyKind kind : {abi::KeyKind::Ipv4Prefix, abi::KeyKind::Ipv6Prefix, abi::KeyKind::IpPrefix})
    compare(kind, 200, 2'000);
}

TEST(PrefixTrie, AgreesWithAPlainListBehindABitmapAndHosts) {
  for (abi::KeyKind kind : {abi::KeyKind::Ipv4Prefix, abi::KeyKind::IpPrefix})
    compare(kind, 300, 2'000);
}

TEST(PrefixTrie, AgreesWithAPlainListBehindARootOf16Bits) {
  for (abi::KeyKind kind : {abi::KeyKind::Ipv4Prefix, abi::KeyKind::Ipv6Prefix, abi::KeyKind::IpPrefix})
    compare(kind, 5'000, 300);
}

TEST(PrefixTrie, UsesLinesAgain) {
  Trial run(abi::KeyKind::Ipv4Prefix, kShapes[2], 100, 1);
  for (int i = 0; i < 6'000 && !HasFatalFailure(); ++i)
    run.step();
  run.list();
  EXPECT_GT(run.maps.waits, 0u);
}

// A command is killed where it waits, with the tree of elements in any state.
TEST(PrefixTrie, IsPutRightAfterAKill) {
  Trial run(abi::KeyKind::IpPrefix, kShapes[1], 60, 1);
  for (int i = 0; i < 300; ++i)
    run.step();
  auto memory = unwrap(sets::PrefixMemory::open(run.maps, run.manifest, run.set()));
  for (int round = 0; round < 20 && !HasFatalFailure(); ++round) {
    const std::vector<Element> other = {{sets::keyValue(PrefixKey{abi::Family::v4, 8, {uint64_t{77} << 56, 0}})}};
    run.maps.die = true;
    EXPECT_THROW((void)sets::replace(run.maps, run.manifest, run.set(), other, 0), Killed);
    run.maps.die = false;
    memory.head().changing = 1; // a killed process runs no destructor
    memory.head().trees[memory.head().generation & 1].root = 0;
    run.list();
    for (int i = 0; i < 10; ++i)
      run.step();
  }
  run.list();
}

TEST(PrefixTrie, HoldsItsCapacityOfHosts) {
  const uint32_t capacity = 20'000;
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::IpPrefix}}, capacity);
  for (const bool ends : {false, true}) {
    FakeMaps maps(manifest);
    std::mt19937_64 random(7);
    for (int round = 0; round < 3; ++round) {
      std::map<abi::KeyValue, uint64_t> elements;
      while (elements.size() < capacity) {
        const bool v4 = random() % 2;
        PrefixKey key{
            v4 ? abi::Family::v4 : abi::Family::v6, static_cast<uint8_t>(v4 ? 32 : 128), {random(), random()}};
        key.address[0] = v4 ? key.address[0] : uint64_t{0x2001'0db8} << 32 | key.address[0] % 100;
        elements[sets::keyValue(key.cut(key.length))] = ends ? 1'000 + random() % 1'000 : abi::kNever;
      }
      std::vector<Element> all;
      for (const auto& [key, end] : elements)
        all.push_back({key, end});
      unwrap(sets::replace(maps, manifest, manifest.sets[0], all, 10));
      EXPECT_EQ(unwrap(sets::list(maps, manifest, manifest.sets[0], 10)).size(), capacity);
      for (size_t i = 0; i < all.size(); i += 97)
        ASSERT_TRUE(unwrap(sets::has(maps, manifest, manifest.sets[0], all[i].key, 10)));
      const std::vector<abi::KeyValue> more = {abi::parseKey(manifest.sets[0].key, "10.0.0.0/8").value()};
      EXPECT_EQ(sets::add(maps, manifest, manifest.sets[0], more, {}).error().kind, sets::SetError::Kind::full);
    }
  }
}

// The whole of the addresses, over and under everything.
TEST(PrefixTrie, TakesThePrefixOfLength0) {
  const abi::Manifest manifest = setPolicy({{abi::KeyKind::IpPrefix}}, 100);
  FakeMaps maps(manifest);
  const auto key = [&](const char* text) {
    return std::vector<abi::KeyValue>{abi::parseKey(manifest.sets[0].key, text).value()};
  };
  const auto has = [&](const char* text, uint64_t now) {
    return unwrap(sets::has(maps, manifest, manifest.sets[0], key(text)[0], now));
  };
  unwrap(sets::add(maps, manifest, manifest.sets[0], key("10.0.0.0/8"), {.now_ns = 0, .ttl_ns = 100}));
  unwrap(sets::add(maps, manifest, manifest.sets[0], key("0.0.0.0/0"), {.now_ns = 0, .ttl_ns = 200}));
  EXPECT_TRUE(has("10.0.0.1", 150));
  EXPECT_TRUE(has("255.255.255.255", 150));
  EXPECT_FALSE(has("2001:db8::1", 150));
  EXPECT_FALSE(has("10.0.0.1", 250));
  unwrap(sets::add(maps, manifest, manifest.sets[0], key("::/0"), {}));
  EXPECT_TRUE(has("::", 250));
  EXPECT_TRUE(has("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 250));
  EXPECT_TRUE(has("2001:db8::/32", 250));
  EXPECT_FALSE(has("0.0.0.0/1", 250));
  unwrap(sets::remove(maps, manifest, manifest.sets[0], key("::/0"), 250));
  EXPECT_FALSE(has("::", 250));
}

} // namespace
} // namespace xdpc::test
