// Sets of headers behave as sets of numbers do, below and beyond the ids that lie in them directly.
#include "compiler/ir/header_set.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace xdpc::ir {
namespace {

std::set<HeaderId> idsOf(const HeaderSet& set) {
  return {set.begin(), set.end()};
}

TEST(HeaderSet, AsASetOfNumbers) {
  std::mt19937 random(1);
  for (const unsigned most : {60u, 128u, 129u, 5000u})
    for (int round = 0; round < 50; ++round) {
      HeaderSet one, other;
      std::set<HeaderId> expected_one, expected_other;
      for (int i = 0; i < 20; ++i) {
        const HeaderId id = random() % most;
        EXPECT_EQ(one.insert(id), expected_one.insert(id).second);
        const HeaderId second = random() % (most / 2);
        other.insert(second);
        expected_other.insert(second);
      }
      EXPECT_EQ(idsOf(one), expected_one);
      EXPECT_EQ(one.size(), expected_one.size());
      for (HeaderId id = 0; id < most + 70; ++id)
        EXPECT_EQ(one.contains(id), expected_one.contains(id));
      EXPECT_EQ(one == other, expected_one == expected_other);

      HeaderSet both = one, common = one, back = other;
      both.insert(other);
      common.keepCommon(other);
      back.keepCommon(one);
      std::set<HeaderId> expected_both = expected_one, expected_common;
      expected_both.insert(expected_other.begin(), expected_other.end());
      for (const HeaderId id : expected_one)
        if (expected_other.contains(id))
          expected_common.insert(id);
      EXPECT_EQ(idsOf(both), expected_both);
      EXPECT_EQ(idsOf(common), expected_common);
      EXPECT_TRUE(common == back); // whose memory differs
      both.removeIf([](HeaderId id) { return id % 2 == 0; });
      std::erase_if(expected_both, [](HeaderId id) { return id % 2 == 0; });
      EXPECT_EQ(idsOf(both), expected_both);
      one.clear();
      EXPECT_TRUE(one.empty() && one == HeaderSet{});
    }
}

} // namespace
} // namespace xdpc::ir
