// runtime/sets: adding, deleting, listing and asking, over both parts.
#include "runtime/sets/part.h"
#include "runtime/sets/sets.h"
#include "runtime/tables/table.h"

#include "tests/support/fake_maps.h"
#include "tests/support/set_policy.h"

namespace xdpc::test {
namespace {

using sets::SetError;

// One set over fake maps, addressed in text.
struct Policy {
  explicit Policy(abi::Manifest made) : manifest(std::move(made)), maps(manifest) {}

  const abi::Set& set() const { return manifest.sets[0]; }
  std::vector<abi::KeyValue> parse(std::vector<std::string> texts) { return unwrap(sets::parseElements(set(), texts)); }

  Result<Done, SetError> add(std::string element, std::optional<uint64_t> ttl = {}, bool replace = false) {
    return sets::add(maps, manifest, set(), parse({std::move(element)}), {now, ttl, replace});
  }
  Result<Done, SetError> remove(std::vector<std::string> elements) {
    return sets::remove(maps, manifest, set(), parse(std::move(elements)), now);
  }
  bool has(std::string key) { return unwrap(sets::has(maps, manifest, set(), parse({std::move(key)})[0], now)); }

  std::string list() {
    std::string text;
    const auto elements = unwrap(sets::list(maps, manifest, set(), now));
    EXPECT_EQ(unwrap(sets::count(maps, manifest, set(), now)), elements.size());
    for (const sets::Element& element : elements) {
      text += (text.empty() ? "" : " ") + abi::formatKey(set().key, element.key);
      if (element.expires_ns != abi::kNever)
        text += fmt::format("@{}", element.expires_ns);
    }
    return text;
  }

  // Of the exact part, dead ones too.
  size_t exact() {
    size_t count = 0;
    unwrap(tables::Table::open(maps, manifest, kExactMap, set().key, 1))
        .forEach([&](const abi::KeyValue&, const tables::Words&) { ++count; });
    return count;
  }

  size_t trie() { return unwrap(sets::openPrefixes(maps, manifest, set()))->count(); }

  abi::Manifest manifest;
  FakeMaps maps;
  uint64_t now = 1'000;
};

const abi::KeyType kPrefixes{{abi::KeyKind::IpPrefix}};

TEST(Sets, PutEachLengthIntoItsPart) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  for (const char* element : {"192.0.2.1", "2001:db8::1", "192.0.2.0/24", "2001:db8::/32"})
    unwrap(p.add(element));
  EXPECT_EQ(p.exact(), 2u);
  EXPECT_EQ(p.trie(), 2u);
  EXPECT_EQ(p.list(), "192.0.2.0/24 192.0.2.1 2001:db8::/32 2001:db8::1");
  unwrap(p.remove({"192.0.2.0/24", "2001:db8::/32"}));
  EXPECT_EQ(p.trie(), 0u);
}

TEST(Sets, WithoutExactLengthsPutAllIntoTheTrie) {
  Policy p(setPolicy(kPrefixes, 10));
  unwrap(p.add("192.0.2.1"));
  EXPECT_EQ(p.trie(), 1u);
  EXPECT_TRUE(p.has("192.0.2.1"));
  EXPECT_FALSE(p.has("192.0.2.2"));
}

TEST(Sets, WithoutPrefixesAreExact) {
  Policy p(setPolicy({{abi::KeyKind::Ip, abi::KeyKind::Port}}, 10));
  unwrap(p.add("(192.0.2.7, 443)"));
  EXPECT_TRUE(p.has("(192.0.2.7, 443)"));
  EXPECT_FALSE(p.has("(192.0.2.7, 444)"));
  EXPECT_EQ(p.list(), "(192.0.2.7, 443)");
}

TEST(Sets, CoverByPrefix) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  unwrap(p.add("192.0.2.0/24"));
  EXPECT_TRUE(p.has("192.0.2.77"));
  EXPECT_TRUE(p.has("192.0.2.128/25"));
  EXPECT_FALSE(p.has("192.0.0.0/16")); // only a part of it is in
  EXPECT_FALSE(p.has("192.0.3.1"));
  EXPECT_FALSE(p.has("::ffff:192.0.2.77"));
}

TEST(Sets, ForgetElementsAtTheirEnd) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  unwrap(p.add("192.0.2.1", 100));
  unwrap(p.add("198.51.100.0/24", 200));
  EXPECT_EQ(p.list(), "192.0.2.1@1100 198.51.100.0/24@1200");
  p.now = 1'099;
  EXPECT_TRUE(p.has("192.0.2.1"));
  p.now = 1'100; // live while now < end
  EXPECT_FALSE(p.has("192.0.2.1"));
  EXPECT_TRUE(p.has("198.51.100.9"));
  EXPECT_EQ(p.list(), "198.51.100.0/24@1200");
  p.now = 1'200;
  EXPECT_FALSE(p.has("198.51.100.9"));
}

TEST(Sets, NeverShortenATimeUnlessTold) {
  for (const char* element : {"192.0.2.1", "192.0.2.0/24"}) {
    Policy p(setPolicy(kPrefixes, 10, kHostLengths));
    unwrap(p.add(element, 500));
    unwrap(p.add(element, 100));
    EXPECT_EQ(p.list(), element + std::string("@1500"));
    unwrap(p.add(element, 600));
    EXPECT_EQ(p.list(), element + std::string("@1600"));
    unwrap(p.add(element, 100, true));
    EXPECT_EQ(p.list(), element + std::string("@1100"));
    unwrap(p.add(element));
    EXPECT_EQ(p.list(), element);
  }
}

TEST(Sets, TakeATimeBeyondAllTimeAsNoEnd) {
  Policy p(setPolicy(kPrefixes, 10));
  unwrap(p.add("10.0.0.0/8", ~uint64_t{0} - 5));
  EXPECT_EQ(p.list(), "10.0.0.0/8");
}

TEST(Sets, SayWhatIsNotThere) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  unwrap(p.add("192.0.2.0/24"));
  unwrap(p.add("192.0.2.9", 10));
  const auto error = p.remove({"192.0.2.1", "10.0.0.0/8", "192.0.2.0/24"});
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind, SetError::Kind::not_found);
  EXPECT_EQ(error.error().message, "`192.0.2.1` is not in the set `banned`, nor is another one");
  EXPECT_EQ(p.list(), "192.0.2.9@1010"); // the one that was there is gone
  p.now = 1'010;
  EXPECT_EQ(p.remove({"192.0.2.9"}).error().message, "`192.0.2.9` is not in the set `banned`");
  EXPECT_EQ(p.exact(), 0u);
}

TEST(Sets, StopAtTheirCapacityOverBothParts) {
  Policy p(setPolicy(kPrefixes, 3, kHostLengths));
  unwrap(p.add("192.0.2.1"));
  unwrap(p.add("192.0.2.2", 100));
  unwrap(p.add("10.0.0.0/8", 100));
  for (const char* element : {"192.0.2.3", "11.0.0.0/8"}) {
    const auto error = p.add(element);
    ASSERT_FALSE(error.ok()) << element;
    EXPECT_EQ(error.error().kind, SetError::Kind::full);
    EXPECT_EQ(error.error().message, "the set `banned` is full: it has 3 live elements, its capacity");
  }
  unwrap(p.add("192.0.2.1", 50)); // one that is there needs no place
  p.now = 1'100;                  // two have ended and make room
  unwrap(p.add("192.0.2.3"));
  unwrap(p.add("11.0.0.0/8"));
  EXPECT_EQ(p.list(), "11.0.0.0/8 192.0.2.1 192.0.2.3");
  EXPECT_EQ(p.trie(), 1u);
  EXPECT_FALSE(p.add("192.0.2.4").ok());
}

TEST(Sets, GiveUpWhatEndsFirst) {
  Policy p(setPolicy(kPrefixes, 4, kHostLengths));
  p.manifest.sets[0].when_full = abi::WhenFull::evict;
  unwrap(p.add("192.0.2.1"));
  unwrap(p.add("192.0.2.2", 300));
  unwrap(p.add("10.0.0.0/8", 100));
  unwrap(p.add("2001:db8::1", 200));
  unwrap(p.add("192.0.2.3"));
  EXPECT_EQ(p.list(), "192.0.2.1 192.0.2.2@1300 192.0.2.3 2001:db8::1@1200");
  unwrap(p.add("2001:db8::/32"));
  unwrap(p.add("11.0.0.0/8"));
  EXPECT_EQ(p.list(), "11.0.0.0/8 192.0.2.1 192.0.2.3 2001:db8::/32");
  EXPECT_EQ(p.add("192.0.2.4").error().kind, SetError::Kind::full); // what has no end is not given up
}

TEST(Sets, CountWhatTheyGiveUp) {
  for (const bool prefixes : {false, true}) {
    Policy p(prefixes ? setPolicy(kPrefixes, 2, kHostLengths) : setPolicy({{abi::KeyKind::Ip}}, 2));
    p.manifest.sets[0].when_full = abi::WhenFull::evict;
    const auto add = [&](std::vector<std::string> texts, uint64_t ends) {
      std::vector<sets::Element> elements;
      for (const abi::KeyValue& key : p.parse(std::move(texts)))
        elements.push_back({key, ends});
      return sets::addAll(p.maps, p.manifest, p.set(), elements, p.now);
    };
    EXPECT_EQ(add({"192.0.2.1", "192.0.2.2"}, 2'000).evicted, 0u);
    EXPECT_EQ(add({"192.0.2.1"}, 3'000).evicted, 0u) << "it is there";
    EXPECT_EQ(add({"192.0.2.3"}, 4'000).evicted, 1u);
    p.now = 5'000;
    EXPECT_EQ(add({"192.0.2.4"}, 6'000).evicted, 0u) << "what had ended is no loss";
    // One that ends goes for the first; then there is none left that does.
    const auto refused = add({"192.0.2.5", "192.0.2.6", "192.0.2.7"}, abi::kNever);
    EXPECT_EQ(refused.evicted, 1u);
    EXPECT_EQ(refused.done.error().kind, SetError::Kind::full);
  }
}

TEST(Sets, GiveUpWhatEndsFirstOfATablesPlaces) {
  Policy p(setPolicy({{abi::KeyKind::U32}}, 100));
  p.manifest.sets[0].when_full = abi::WhenFull::evict;
  p.manifest.maps[kExactMap].max_entries = 1; // a bucket of 16 places
  p.maps = FakeMaps(p.manifest);
  unwrap(p.add("100"));
  for (unsigned i = 0; i < 15; ++i)
    unwrap(p.add(std::to_string(i), 50 + (i + 7) % 15));
  unwrap(p.add("200"));
  EXPECT_TRUE(p.has("100"));
  EXPECT_TRUE(p.has("200"));
  EXPECT_FALSE(p.has("8")); // the first to end
  EXPECT_EQ(p.exact(), 16u);
}

TEST(Sets, MakeRoomInATableThatDeadElementsOfAProgramFill) {
  Policy p(setPolicy({{abi::KeyKind::U32}}, 100));
  p.manifest.maps[kExactMap].max_entries = 1; // a bucket of 16 places
  p.maps = FakeMaps(p.manifest);
  for (unsigned i = 0; i < 16; ++i)
    unwrap(p.add(std::to_string(i), 10));
  EXPECT_EQ(p.add("16").error().kind, SetError::Kind::full);
  p.now = 1'010;
  unwrap(p.add("16"));
  EXPECT_EQ(p.list(), "16");
}

TEST(Sets, ReadAWholeListBeforeTheFirstIsAdded) {
  Policy p(setPolicy(kPrefixes, 10));
  const std::vector<std::string> texts = {"10.0.0.0/8", "10.0.0.1/8"};
  const auto error = sets::parseElements(p.set(), texts);
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind, SetError::Kind::bad_element);
  EXPECT_EQ(error.error().message, "`10.0.0.1/8` has host bits set behind /8");
  EXPECT_EQ(error.error().fixit, "10.0.0.0/8");
}

TEST(Sets, AreEmptyAfterClear) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  for (const char* element : {"192.0.2.1", "2001:db8::1", "192.0.2.0/24", "0.0.0.0/0", "::/0"})
    unwrap(p.add(element));
  unwrap(sets::clear(p.maps, p.manifest, p.set()));
  EXPECT_EQ(p.exact() + p.trie(), 0u);
}

TEST(Sets, BeginWithTheirInitialContents) {
  Policy p(setPolicy(kPrefixes, 10, kHostLengths));
  p.manifest.sets[0].initial = {"192.0.2.0/24", "192.0.2.1"};
  unwrap(sets::addInitial(p.maps, p.manifest));
  EXPECT_EQ(p.list(), "192.0.2.0/24 192.0.2.1");
}

TEST(Sets, AreFoundByName) {
  const abi::Manifest manifest = setPolicy(kPrefixes, 10);
  EXPECT_EQ(sets::findSet(manifest, "banned"), &manifest.sets[0]);
  EXPECT_EQ(sets::findSet(manifest, "none"), nullptr);
}

std::vector<sets::Element> elementsOf(Policy& p, std::vector<std::string> texts, uint64_t end = abi::kNever) {
  std::vector<sets::Element> elements;
  for (abi::KeyValue& key : p.parse(std::move(texts)))
    elements.push_back({std::move(key), end});
  return elements;
}

TEST(Sets, AreReplaced) {
  for (const auto& lengths : {std::vector<abi::PrefixLength>{}, kHostLengths}) {
    Policy p(setPolicy(kPrefixes, 3, lengths));
    for (const char* element : {"192.0.2.1", "10.0.0.0/8", "2001:db8::/32"})
      unwrap(p.add(element));
    unwrap(sets::replace(p.maps, p.manifest, p.set(),
                         elementsOf(p, {"192.0.2.1", "198.51.100.0/24", "2001:db8::1"}, 5'000), p.now));
    EXPECT_EQ(p.list(), "192.0.2.1@5000 198.51.100.0/24@5000 2001:db8::1@5000");
    EXPECT_FALSE(p.has("10.1.1.1"));
    EXPECT_TRUE(p.has("198.51.100.9"));
    const auto refused = sets::replace(p.maps, p.manifest, p.set(),
                                       elementsOf(p, {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}), p.now);
    EXPECT_EQ(refused.error().kind, SetError::Kind::full);
    EXPECT_EQ(p.list(), "192.0.2.1@5000 198.51.100.0/24@5000 2001:db8::1@5000");
    unwrap(sets::replace(p.maps, p.manifest, p.set(), {}, p.now));
    EXPECT_EQ(p.list(), "");
  }
}

} // namespace
} // namespace xdpc::test
