// runtime/abi/manifest.h: JSON both ways, and refusal of what cannot be trusted.
#include "runtime/abi/manifest.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace xdpc::abi {
namespace {

Manifest sample() {
  Manifest m;
  m.policy = "web_edge";
  m.file = "web_edge.xf";
  m.source_sha256 = "00ff";
  m.compiler = "0.1.0";
  m.slots = {{"listed", SlotKind::rule}, {"fragments", SlotKind::counter}, {"banned.full", SlotKind::system}};
  m.maps = {{"counters", MapRole::counters, 2, 4, 64 * 4096, 1, 0x400, 4096, 0},
            {"banned", MapRole::exact, 2, 4, 448, 7'693, 0x400, 0, 0},
            {"banned_trie", MapRole::trie, 11, 28, 16, 100'000, 1, 0, 0},
            {"flow", MapRole::keyed, 2, 4, 576, 5'042, 0x400, 0, 0},
            {"syn_rate", MapRole::meter, 2, 4, 448, 76'924, 0x400, 0, 0}};
  m.rules = {{"listed", 0, 12, 5, "drop"}};
  m.counters = {{"fragments", 1, {}, {}, 0, {}}, {"flow", {}, 3, {{KeyKind::Ip}}, 65'536, 2}};
  m.sets = {{"banned",
             0,
             {{KeyKind::IpPrefix}},
             100'000,
             3'600'000'000'000,
             WhenFull::evict,
             1,
             2,
             {},
             {{Family::v4, 32}, {Family::v6, 128}},
             2,
             {},
             false,
             {"192.0.2.0/24"}}};
  m.maps[2].key_size = trieKeySize(m.sets[0].key);
  m.meters = {{"syn_rate", false, 200, 400, {{KeyKind::IpPrefix}}, 1'000'000, WhenFull::evict, 4, {}, {}, {}}};
  m.events = {{"flood", {{"ip.src", KeyKind::Ip, 24}, {"l4.dport", KeyKind::Port, 44}}, 48, 2, {}}};
  return m;
}

std::string changed(const char* pointer, nlohmann::json value) {
  auto json = nlohmann::json::parse(toJson(sample()));
  json[nlohmann::json::json_pointer(pointer)] = std::move(value);
  return json.dump();
}

std::string problem(const std::string& text) {
  const auto manifest = manifestFromJson(text);
  return manifest.ok() ? "" : manifest.error().message;
}

TEST(Manifest, ComesBackTheSame) {
  const std::string text = toJson(sample());
  const auto read = manifestFromJson(text);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(toJson(*read), text);
  EXPECT_EQ(read->sets[0].exact_lengths, sample().sets[0].exact_lengths);
  EXPECT_EQ(read->sets[0].timeout_ns, 3'600'000'000'000u);
  EXPECT_EQ(read->counters[0].map, std::nullopt);
  EXPECT_EQ(read->counters[1].map, 3u);
  EXPECT_EQ(read->meters[0].key, sample().meters[0].key);
  EXPECT_EQ(read->events[0].fields[1].kind, KeyKind::Port);
}

TEST(Manifest, StartsWithItsAbiInTheOrderOfTheHeader) {
  EXPECT_TRUE(toJson(sample()).starts_with(R"({"abi":3,"policy":"web_edge","file":"web_edge.xf",)"));
}

TEST(Manifest, TakesFileNamesThatAreNotUtf8) {
  Manifest manifest = sample();
  manifest.file = "\xff.xf";
  EXPECT_TRUE(manifestFromJson(toJson(manifest)).ok());
}

TEST(Manifest, IgnoresUnknownKeys) {
  EXPECT_EQ(problem(changed("/later", {{"a", 1}})), "");
}

TEST(Manifest, RefusesANewerAbiWhateverElseIsThere) {
  EXPECT_EQ(problem(R"({"abi":4})"), "made by a newer xdpc (ABI 4, this one reads 3)");
  EXPECT_EQ(problem(R"({"abi":2})"), "made by an older xdpc (ABI 2, this one reads 3)");
}

TEST(Manifest, NamesThePlaceOfAProblem) {
  const std::string start = "the manifest is not usable: ";
  EXPECT_EQ(problem("]"), start + "it is not a JSON object");
  EXPECT_EQ(problem("[1]"), start + "it is not a JSON object");
  EXPECT_EQ(problem(std::string(100'000, '[')), start + "it is not a JSON object");
  EXPECT_EQ(problem(R"({"abi":3})"), start + "`policy` is missing");
  EXPECT_EQ(problem(changed("/policy", 7)), start + "`policy` is not a string");
  EXPECT_EQ(problem(changed("/sets/0/capacity", -1)), start + "`sets[0].capacity` is not a number of 32 bits");
  EXPECT_EQ(problem(changed("/sets/0/capacity", 1ull << 32)), start + "`sets[0].capacity` is not a number of 32 bits");
  EXPECT_EQ(problem(changed("/sets/0/key", {"ip.suffix"})), start + "`sets[0].key[0]` is not the name of a type");
  EXPECT_EQ(problem(changed("/sets/0/when_full", "never")), start + "`sets[0].when_full` has an unknown value");
  EXPECT_EQ(problem(changed("/sets/0/exact_lengths/0/family", 5)),
            start + "`sets[0].exact_lengths[0].family` is neither 4 nor 6");
  EXPECT_EQ(problem(changed("/meters/0/bits", 0)), start + "`meters[0].bits` is not true or false");
  EXPECT_EQ(problem(changed("/rules", nullptr)), start + "`rules` is not a list");
}

TEST(Manifest, RefusesIndexesAndSizesThatDoNotFit) {
  const std::string start = "the manifest is not usable: ";
  EXPECT_EQ(problem(changed("/rules/0/slot", 3)), start + "`rules[0].slot` names slot 3 of 3");
  EXPECT_EQ(problem(changed("/sets/0/exact_map", 9)), start + "`sets[0].exact_map` names map 9 of 5");
  EXPECT_EQ(problem(changed("/sets/0/index", 1020)), start + "`sets[0].index` is 1020, at most 1019");
  EXPECT_EQ(problem(changed("/events/0/size", 47)), start + "`events[0].fields` has `l4.dport` outside of the record");
  EXPECT_EQ(problem(changed("/counters/1/map", 1)),
            start + "`counters[1].map` names a map of other sizes: key 4 and value 448 bytes instead of 4 and 576");
}

} // namespace
} // namespace xdpc::abi
