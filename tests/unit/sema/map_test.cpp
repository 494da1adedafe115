// Maps: entries in canonical form, keys that are there, values with bounds.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::string mapText(const std::string& declaration) {
  const Checked checked = accept(declaration + "\npolicy p { default pass }\n");
  const std::string text = ir::toText(*checked.policy);
  const size_t begin = text.find("map "), end = text.find("rule default");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin);
}

TEST(Maps, prefixesAreCutOutOfThoseThatCoverThem) {
  EXPECT_EQ(
      mapText("map m of ip.prefix -> u8 = { 10.0.0.0/8 => 1, 10.1.0.0/16 => 2, 10.1.2.0/24 => 3, 0.0.0.0/0 => 0 }"),
      "map m of ip.prefix -> u8\n  0.0.0.0-9.255.255.255 => 0\n  10.0.0.0-10.0.255.255 => 1\n"
      "  10.1.0.0-10.1.1.255 => 2\n  10.1.2.0-10.1.2.255 => 3\n  10.1.3.0-10.1.255.255 => 2\n"
      "  10.2.0.0-10.255.255.255 => 1\n  11.0.0.0-255.255.255.255 => 0\n");
}

TEST(Maps, bothFamiliesAndTheLastAddress) {
  EXPECT_EQ(mapText("map m of ip.prefix -> u8 = { ::/0 => 1, ffff::/16 => 2, 192.0.2.1 => 3 }"),
            "map m of ip.prefix -> u8\n  192.0.2.1 => 3\n  ::-fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff => 1\n"
            "  ffff::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff => 2\n");
}

TEST(Maps, tuplesAreSorted) {
  EXPECT_EQ(mapText("map m of (ip, port) -> ipv4 = { (192.0.2.2, 80) => 10.0.0.1, (192.0.2.1, 443) => 10.0.0.2,\n"
                    "(192.0.2.1, 80) => 10.0.0.3 }"),
            "map m of (ip, port) -> ipv4\n  (192.0.2.1, 80) => 10.0.0.3\n  (192.0.2.1, 443) => 10.0.0.2\n"
            "  (192.0.2.2, 80) => 10.0.0.1\n");
}

TEST(Maps, aKeyThatIsNotThereIsAbsent) {
  const Checked checked = accept("map m of ip -> u8 = { 192.0.2.1 => 7 }\n" + withCondition("m[ip.src] != 7 and ip"));
  EXPECT_EQ(ir::toText(*checked.policy, *checked.policy->rules[0].condition),
            "((present(ip) and (ip.src in m) and (m[ip.src] != 7)) and present(ip))");
  EXPECT_TRUE(checked.policy->maps[0].used);
}

TEST(Maps, aTupleOfFieldsHasAName) {
  const Checked checked =
      accept("const flow = (ip.src, l4.dport)\nmap m of (ip, port) -> u8 = { (192.0.2.1, 7) => 7 }\n"
             "set s of (ip, port)\npolicy p { a: drop when m[flow] == 7 or flow in s\n"
             "b: drop over 5 pps per flow\ndefault pass }\n");
  EXPECT_EQ(checked.policy->meters[0].key.size(), 2u);
}

} // namespace
} // namespace xdpc
