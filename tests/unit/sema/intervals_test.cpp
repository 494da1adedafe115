// What two lists of intervals have in common, against a look at every pair.
#include "compiler/ir/intervals.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace xdpc::ir {
namespace {

Intervals someOf(std::mt19937& random) {
  Intervals made;
  for (const Domain domain : {Domain::number, Domain::v4, Domain::v6}) {
    u128 at = random() % 8;
    for (unsigned count = random() % 4; count > 0; --count) {
      const u128 high = at + random() % 5;
      made.push_back({domain, at, high});
      at = high + 2 + random() % 6;
    }
  }
  std::ranges::sort(made, {}, [](const Interval& one) { return std::pair(one.domain, one.low); });
  return made;
}

TEST(Intervals, IntersectionIsThatOfEveryPair) {
  std::mt19937 random(3);
  unsigned apart = 0;
  for (int round = 0; round < 5000; ++round) {
    const Intervals left = someOf(random), right = someOf(random);
    Intervals expected;
    for (const Interval& one : left)
      for (const Interval& other : right)
        if (one.domain == other.domain && one.low <= other.high && other.low <= one.high)
          expected.push_back({one.domain, std::max(one.low, other.low), std::min(one.high, other.high)});
    const Intervals found = intersection(left, right);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(found[i].domain == expected[i].domain && found[i].low == expected[i].low &&
                  found[i].high == expected[i].high);
    EXPECT_EQ(disjoint(left, right), expected.empty());
    apart += expected.empty();
  }
  EXPECT_GT(apart, 100u);
}

} // namespace
} // namespace xdpc::ir
