// Constants and constant sets in their canonical form.
#include "tests/unit/sema/support.h"

#include <fmt/format.h>

namespace xdpc {
namespace {

// The text of the only constant set of a policy.
std::string setText(const std::string& condition, const std::string& declarations = "") {
  const Checked checked = accept(withCondition(condition) + declarations);
  const std::string text = ir::toText(*checked.policy);
  const size_t at = text.find("const#0");
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST(Constants, intervalsAreSortedAndJoined) {
  EXPECT_EQ(setText("tcp.dport in { 443, 80, 81-90, 85-100, 101 }"), "const#0 of port = { 80-101, 443 }");
  EXPECT_EQ(setText("ip.src in { ::1, 10.0.0.0/8, 11.0.0.0/8, 9.255.255.255 }"),
            "const#0 of ip = { 9.255.255.255-11.255.255.255, ::1 }");
  EXPECT_EQ(setText("ip.src in ::/0"), "const#0 of ip = { ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }");
  EXPECT_EQ(setText("ipv4.src in 10.0.0.1-10.0.0.9"), "const#0 of ipv4 = { 10.0.0.1-10.0.0.9 }");
  EXPECT_EQ(setText("eth.src in { 02:00:00:00:00:01 }"), "const#0 of mac = { 2199023255553 }");
}

TEST(Constants, aConstantFitsWhatItIsComparedWith) {
  const std::string both = "const c = { 10.0.0.0/8, 2001:db8::/32 }\n";
  EXPECT_EQ(setText("ipv4.src in c", both), "const#0 c of ipv4 = { 10.0.0.0-10.255.255.255 }");
  EXPECT_EQ(setText("ipv6.src in c", both),
            "const#0 c of ipv6 = { 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff }");
  EXPECT_EQ(accept(withCondition("ip.src in c or ip.dst in c") + both).policy->const_sets.size(), 1u);
}

TEST(Constants, setsContainOthers) {
  const std::string declarations = "const all = { web, 22, base + 1 }\nconst web = { 80, 443 }\nconst base = 7\n";
  EXPECT_EQ(setText("tcp.dport in all", declarations), "const#0 all of port = { 8, 22, 80, 443 }");
  EXPECT_EQ(setText("tcp.dport in again", declarations + "const again = all\n"),
            "const#0 again of port = { 8, 22, 80, 443 }");
}

TEST(Constants, tuples) {
  EXPECT_EQ(setText("(ip.src, tcp.dport) in { (10.0.0.0/8, 22), (::1, 80-90) }"),
            "const#0 of (ip, port) = { (10.0.0.0-10.255.255.255, 22), (::1, 80-90) }");
}

TEST(Constants, unusedOnesAreDropped) {
  EXPECT_TRUE(accept("const c = tcp.dport in { 1, 2 }\npolicy p { default pass }\n").policy->const_sets.empty());
}

TEST(Constants, namedConditions) {
  const Checked checked = accept("const fresh = tcp.syn and not tcp.ack\n" + withCondition("fresh and pkt.len > 60"));
  EXPECT_EQ(ir::toText(*checked.policy, *checked.policy->rules[0].condition),
            "(((present(tcp) and tcp.syn) and not (present(tcp) and tcp.ack)) and (pkt.len > 60))");
}

TEST(Constants, expansionIsBounded) {
  std::string conditions = "const c0 = tcp.syn and tcp.ack\n", sets = "const s0 = { 1, 2 }\n";
  for (int i = 1; i < 40; ++i) {
    conditions += fmt::format("const c{0} = c{1} or c{1}\n", i, i - 1);
    sets += fmt::format("const s{0} = {{ s{1}, s{1} }}\n", i, i - 1);
  }
  EXPECT_EQ(check(conditions + withCondition("c39")).count("too-large"), 1u);
  EXPECT_EQ(check(sets + withCondition("tcp.dport in s39")).count("too-large"), 1u);
}

TEST(Constants, longChainsAreBounded) {
  std::string chain = "const c0 = tcp\n";
  for (int i = 1; i < 2000; ++i)
    chain += fmt::format("const c{} = not c{}\n", i, i - 1);
  EXPECT_EQ(check(chain + withCondition("c1999")).count("too-deep"), 1u);
  std::string reversed = "policy p { a: drop when c0\ndefault pass }\n";
  for (int i = 0; i < 2000; ++i)
    reversed += fmt::format("const c{} = not c{}\n", i, i + 1);
  EXPECT_EQ(check(reversed + "const c2000 = tcp\n").count("too-deep"), 1u);
}

} // namespace
} // namespace xdpc
