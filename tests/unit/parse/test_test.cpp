// Tests and promises.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

std::string line(const std::string& text) {
  const Parsed parsed("test \"t\" {\n  " + text + "\n}\n");
  std::string tree = parsed.tree() + parsed.errors();
  tree.erase(0, sizeof("test \"t\"\n") - 1);
  return tree;
}

TEST(Test, Lines) {
  for (const char* text : {
           "given banned = {198.51.100.0/24}",
           "expect drop by listed for ipv4(src = 198.51.100.7)/udp(dport = 80)",
           "expect pass for arp",
           "expect pass by web for ipv4/tcp(dport = 443, syn = 1) times 400",
           "expect redirect to cpu 1 by x for ipv6/udp",
           "expect pass by x for ipv4(ttl = 9) becomes ipv4(ttl = 8)/eth(in = 1)",
           "expect pass by x for pkt(ifindex = 3)/ipv4/raw(\"\\x01\")/payload(40) truncate 30",
           "wait 10m",
           "expect counter syn == 4",
           "expect counter syns[198.51.100.1] >= 3",
           "expect counter pairs[198.51.100.1, 80] != 3",
           "expect banned has 203.0.113.2",
           "expect banned lacks (tuple 203.0.113.1 80)",
           "expect event flood < 2",
       }) {
    std::string written = text;
    if (const size_t tuple = written.find("(tuple "); tuple != written.npos)
      written = written.substr(0, tuple) + "(203.0.113.1, 80)";
    EXPECT_EQ(line(written), fmt::format("  {}\n", text));
  }
}

TEST(Test, OtherOrders) {
  EXPECT_EQ(line("expect pass for ipv4 times 3 becomes ipv6"), "  expect pass for ipv4 becomes ipv6 times 3\n");
  EXPECT_EQ(line("expect pass for ipv4/truncate 30"), "  expect pass for ipv4 truncate 30\n");
  EXPECT_EQ(line("expect pass for ipv4/\n  udp"), "  expect pass for ipv4/udp\n");
}

TEST(Test, Mistakes) {
  EXPECT_EQ(line("expect pass by x"), "2:19 syntax: expected `for` after `x`\n");
  EXPECT_EQ(line("expect pass for ipv4 times 0"),
            "  expect pass for ipv4 times 0\n2:30 bad-number: a packet is expected no times\n");
  EXPECT_EQ(line("wait"), "2:7 syntax: expected a time after `wait`\n");
  EXPECT_EQ(line("drop when x"), "2:3 unknown-word: `drop` starts no line of a test\n");
}

TEST(Test, Promises) {
  const Parsed parsed("protect \"p\" {\n  never drop when tcp\n  never redirect when udp\n}\n");
  EXPECT_EQ(parsed.tree() + parsed.errors(),
            "protect \"p\": never drop when tcp\nprotect \"p\": never redirect when udp\n");
  EXPECT_EQ(Parsed("protect \"p\" { }").errors(), "1:1 syntax: a promise without a line\n");
  EXPECT_EQ(Parsed("protect \"p\" { never drop }").errors(), "1:25 syntax: expected `when` after `drop`\n");
}

} // namespace
} // namespace xdpc::parse::testing
