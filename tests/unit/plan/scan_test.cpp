// The automaton of a scan against a search of each pattern by itself.
#include "compiler/plan/scan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace xdpc {
namespace {

using Sets = std::vector<ir::PatternSet>;

// As lower/scan.cpp walks it.
uint64_t scan(const plan::ScanTable& table, unsigned sets, const std::string& text) {
  const uint32_t words = plan::scanWords(sets);
  const auto count = (table.bytes.size() - words) / sizeof(uint32_t);
  uint64_t row = 0, answer = 0;
  for (const char byte : text) {
    uint32_t word;
    const uint64_t index = (row + table.bytes[static_cast<uint8_t>(byte)]) & (count - 1);
    std::memcpy(&word, table.bytes.data() + words + index * sizeof(word), sizeof(word));
    row = word & ((1u << plan::kScanRowBits) - 1);
    uint64_t found = word >> plan::kScanRowBits;
    if (sets > 1)
      std::memcpy(&found, table.bytes.data() + plan::kScanClasses + found * sizeof(uint64_t), sizeof(found));
    answer |= found;
  }
  return answer;
}

uint64_t search(const Sets& sets, const std::string& text) {
  uint64_t answer = 0;
  for (size_t bit = 0; bit < sets.size(); ++bit)
    for (const std::string& pattern : sets[bit].patterns)
      if (text.find(pattern) != std::string::npos)
        answer |= uint64_t{1} << bit;
  return answer;
}

plan::ScanTable tableOf(const Sets& sets) {
  std::vector<const ir::PatternSet*> pointers;
  for (const ir::PatternSet& set : sets)
    pointers.push_back(&set);
  auto table = plan::makeScanTable(pointers);
  EXPECT_TRUE(table);
  return table.value_or(plan::ScanTable{});
}

std::string randomText(std::mt19937& random, size_t length, unsigned letters) {
  std::string text;
  while (text.size() < length)
    text += static_cast<char>('a' + random() % letters);
  return text;
}

TEST(Scan, FindsWhatASearchFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Sets sets(1 + random() % 5);
    const unsigned letters = 2 + random() % 3;
    for (ir::PatternSet& set : sets)
      for (size_t i = 0; i <= random() % 4; ++i)
        set.patterns.push_back(randomText(random, 1 + random() % 6, letters));
    const plan::ScanTable table = tableOf(sets);
    for (int i = 0; i < 40; ++i) {
      const std::string text = randomText(random, random() % 24, letters + 1);
      ASSERT_EQ(scan(table, static_cast<unsigned>(sets.size()), text), search(sets, text)) << text;
    }
  }
}

TEST(Scan, KnowsEveryByte) {
  Sets sets(1);
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  sets[0].patterns = {all};
  const plan::ScanTable table = tableOf(sets);
  EXPECT_EQ(table.classes, 256u);
  EXPECT_EQ(scan(table, 1, all), 1u);
  EXPECT_EQ(scan(table, 1, "x" + all + "y"), 1u);
  EXPECT_EQ(scan(table, 1, all.substr(1) + all.substr(0, 1)), 0u);
}

TEST(Scan, RefusesATableThatIsTooLarge) {
  std::mt19937 random(1);
  ir::PatternSet set;
  for (int i = 0; i < 4000; ++i) {
    std::string pattern;
    while (pattern.size() < 200)
      pattern += static_cast<char>(random());
    set.patterns.push_back(pattern);
  }
  const ir::PatternSet* pointer = &set;
  EXPECT_FALSE(plan::makeScanTable({&pointer, 1}));
}

// A rule for each set, as `contains` would make it.
ir::Policy policyOf(const Sets& sets) {
  ir::Policy policy;
  policy.patterns = sets;
  for (ir::PatternSetId id = 0; id < sets.size(); ++id) {
    ir::Rule rule;
    rule.condition.emplace();
    rule.condition->kind = ir::ExprKind::Contains;
    rule.condition->id = id;
    policy.rules.push_back(std::move(rule));
  }
  return policy;
}

plan::Program scansOf(const ir::Policy& policy) {
  plan::Program program;
  program.policy = &policy;
  diag::Emitter emitter;
  plan::planScans(program, emitter);
  EXPECT_FALSE(emitter.hasErrors());
  return program;
}

TEST(Scan, SetsOfOneLimitShareAScanWhileTheyFit) {
  Sets sets;
  for (int i = 0; i < 70; ++i)
    sets.push_back({.patterns = {"pattern " + std::to_string(i)}, .within = 100});
  sets.push_back({.patterns = {"x"}, .within = 101});
  const ir::Policy policy = policyOf(sets);
  const plan::Program program = scansOf(policy);
  ASSERT_EQ(program.scans.size(), 3u);
  EXPECT_EQ(program.scans[0].sets, 63u);
  EXPECT_EQ(program.scans[0].uses, 63u);
  EXPECT_EQ(program.scans[0].shortest, 9u);
  EXPECT_EQ(program.scans[1].sets, 7u);
  EXPECT_EQ(program.patterns[62].bit, 62u);
  EXPECT_EQ(program.patterns[63].scan, 1u);
  EXPECT_EQ(program.patterns[63].bit, 0u);
  EXPECT_EQ(program.patterns[70].scan, 2u);
  EXPECT_EQ(program.manifest.maps[program.scans[2].map].value_size, program.tables.at(program.scans[2].map).size());
}

TEST(Scan, PatternsThatNoRuleAsksForAreNotLookedFor) {
  ir::Policy policy = policyOf({{.patterns = {"a"}, .within = 9}, {.patterns = {"b"}, .within = 9}});
  policy.rules.erase(policy.rules.begin());
  const plan::Program program = scansOf(policy);
  ASSERT_EQ(program.scans.size(), 1u);
  EXPECT_EQ(program.scans[0].sets, 1u);
  EXPECT_EQ(program.patterns[1].bit, 0u);
}

} // namespace
} // namespace xdpc
