// compiler/diag/diag.h: the suggestion for a misspelt name.
#include "compiler/diag/diag.h"

#include <gtest/gtest.h>

namespace xdpc::diag {
namespace {

const std::vector<std::string> kNames = {"ip.src", "ip.dst", "tcp.dport", "tcp.sport", "banned", "a"};

TEST(Nearest, FindsSlips) {
  EXPECT_EQ(nearest("banend", kNames), "banned"); // two neighbours swapped
  EXPECT_EQ(nearest("baned", kNames), "banned");
  EXPECT_EQ(nearest("bannned", kNames), "banned");
  EXPECT_EQ(nearest("tcp.dprot", kNames), "tcp.dport");
  EXPECT_EQ(nearest("ip.scr", kNames), "ip.src");
  EXPECT_EQ(nearest("TCP.DPORT", kNames), "tcp.dport");
}

TEST(Nearest, PrefersTheNearer) {
  EXPECT_EQ(nearest("tcp.dpor", kNames), "tcp.dport");
}

TEST(Nearest, SuggestsNothingFarFetched) {
  EXPECT_EQ(nearest("xyz", kNames), std::nullopt);
  EXPECT_EQ(nearest("b", kNames), std::nullopt); // every letter would have to go
  EXPECT_EQ(nearest("", kNames), std::nullopt);
  EXPECT_EQ(nearest("allowed", kNames), std::nullopt);
  EXPECT_EQ(nearest("banned", {}), std::nullopt);
}

} // namespace
} // namespace xdpc::diag
