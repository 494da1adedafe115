// Declarations of constants and state.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

std::string tree(const std::string& text) {
  const Parsed parsed(text);
  return parsed.tree() + parsed.errors();
}

TEST(State, Constants) {
  EXPECT_EQ(tree("const web = { 80, 443 }"), "const web = {80 443}\n");
  EXPECT_EQ(tree("const fresh = tcp.syn and not tcp.ack"), "const fresh = (and tcp.syn (not tcp.ack))\n");
  EXPECT_EQ(tree("const l = load \"drop.txt\"; const m = 1"), "const l = (load \"drop.txt\")\nconst m = 1\n");
}

TEST(State, Sets) {
  EXPECT_EQ(tree("set banned of ip.prefix { capacity 100k  timeout 1h  when full evict  count }"),
            "set banned of ip.prefix\n  capacity 100000\n  timeout 1h\n  when full evict\n  count\n");
  EXPECT_EQ(tree("set s was t of (ip, port) = { (192.0.2.7, 443) }"),
            "set s was t of (ip, port)\n  = {(tuple 192.0.2.7 443)}\n");
  EXPECT_EQ(tree("set s of ip { capacity 4 } = { 192.0.2.7 }"), "set s of ip\n  capacity 4\n  = {192.0.2.7}\n");
}

TEST(State, TuplesOfOneAreTuples) {
  EXPECT_TRUE(Parsed("set s of (ip)").file.sets.at(0).tuple);
  EXPECT_FALSE(Parsed("set s of ip").file.sets.at(0).tuple);
}

TEST(State, Maps) {
  EXPECT_EQ(tree("map country of ip.prefix -> u16 = load \"geo.csv\""),
            "map country of ip.prefix -> u16\n  = (load \"geo.csv\")\n");
  EXPECT_EQ(tree("map m of (ip, port) -> (u8, u8) = { (192.0.2.1, 7) => (1, 2) }"),
            "map m of (ip, port) -> (u8, u8)\n  = {(tuple 192.0.2.1 7)=>(tuple 1 2)}\n");
}

TEST(State, CountersMetersEvents) {
  EXPECT_EQ(tree("counter fragments"), "counter fragments\n");
  EXPECT_EQ(tree("counter per_source was old { per ip.src  capacity 64k }"),
            "counter per_source was old\n  per ip.src\n  capacity 64000\n");
  EXPECT_EQ(tree("meter m { rate 200 pps burst 400  per ip.src/24/64  capacity 1M  when full evict  clock exact }"),
            "meter m\n  rate 200pps\n  burst 400\n  per ip.src/24/64\n  capacity 1000000\n  when full evict\n  clock "
            "exact\n");
  EXPECT_EQ(tree("meter m { rate 10 Mbps burst 64KiB per (ip.src, l4.dport) }"),
            "meter m\n  rate 10000000bps\n  burst 65536B\n  per ip.src, l4.dport\n");
  EXPECT_EQ(tree("event flood { ip.src, ip.dst, pkt.len, }"), "event flood {ip.src, ip.dst, pkt.len}\n");
}

TEST(State, Use) {
  EXPECT_EQ(tree("use \"lists/common.xf\""), "use \"lists/common.xf\"\n");
}

TEST(State, RepeatedClauses) {
  EXPECT_EQ(Parsed("set s of ip { capacity 1 timeout 1h capacity 2 }").errors(),
            "1:37 repeated-clause: `capacity` is given twice\n");
  EXPECT_EQ(Parsed("meter m { rate 1 pps rate 2 pps when full drop when full pass }").errors(),
            "1:22 repeated-clause: `rate` is given twice\n1:48 repeated-clause: `when full` is given twice\n");
}

TEST(State, AGreatSet) {
  std::string text = "set s of ip = {\n";
  for (unsigned i = 0; text.size() < 2'000'000; ++i)
    text += fmt::format("  10.{}.{}.{},\n", i >> 16 & 255, i >> 8 & 255, i & 255);
  const Parsed parsed(text + "}\n");
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_GT(parsed.file.sets.at(0).initial->args.size(), 100'000u);
}

} // namespace
} // namespace xdpc::parse::testing
