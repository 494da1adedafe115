// Ranks as tables against ranks as a search.
#include "compiler/plan/classifier.h"
#include "compiler/plan/classifier_rank.h"

#include <gtest/gtest.h>

#include <random>

namespace xdpc::plan {
namespace {

uint32_t lookUp(const RankTables& tables, unsigned bits, uint32_t value) {
  uint32_t sum = 0, node = 0;
  for (size_t level = 0; level < tables.widths.size(); ++level) {
    bits -= tables.widths[level];
    const uint32_t at = node << tables.widths[level] | (value >> bits & ((1u << tables.widths[level]) - 1));
    if (level + 1 == tables.widths.size())
      return sum + tables.last.at(at);
    const uint32_t entry = tables.inner[level].at(at);
    sum += entry >> ClassifierRanks::kNodeBits;
    node = entry & ((1u << ClassifierRanks::kNodeBits) - 1);
  }
  return sum;
}

TEST(ClassifierRank, TablesGiveTheNumberOfTheInterval) {
  std::mt19937 engine(3);
  for (unsigned bits : {1u, 3u, 8u, 9u, 16u, 20u, 32u})
    for (size_t count : {1u, 2u, 40u, 300u}) {
      std::vector<uint32_t> starts;
      for (size_t i = 0; i < count; ++i)
        starts.push_back(static_cast<uint32_t>(engine()) >> (32 - bits));
      const Ranks ranks(starts);
      const auto tables = tablesOf(ranks, bits);
      ASSERT_TRUE(tables);
      for (uint32_t start : starts)
        for (uint32_t value : {start, start ? start - 1 : 0, static_cast<uint32_t>(engine()) >> (32 - bits)})
          ASSERT_EQ(lookUp(*tables, bits, value), ranks.of(value)) << bits << " bits, " << count;
      EXPECT_EQ(lookUp(*tables, bits, 0), 0);
    }
}

TEST(ClassifierRank, SparseValuesOfWideLanesDoNotFit) {
  std::vector<uint32_t> starts;
  for (uint32_t i = 0; i < 5000; ++i)
    starts.push_back(i * 850000u + 7);
  EXPECT_FALSE(tablesOf(Ranks(starts), 32));
}

} // namespace
} // namespace xdpc::plan
