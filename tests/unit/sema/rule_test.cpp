// Rules: names, meters, blocks and actions as the IR has them.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

std::string rulesText(const std::string& rules, const std::string& declarations = "") {
  const Checked checked = accept(declarations + "policy p {\n" + rules + "\ndefault pass }\n");
  const std::string text = ir::toText(*checked.policy);
  const size_t begin = text.find("rule "), end = text.find("rule default");
  return begin == std::string::npos || begin == end ? "" : text.substr(begin, end - begin);
}

TEST(Rules, unnamedOnesAreNumbered) {
  EXPECT_EQ(rulesText("a: drop when arp\npass when udp\ntx when tcp"),
            "rule a when present(arp)\n  drop\nrule #2 when present(udp)\n  pass\nrule #3 when present(tcp)\n  tx\n");
}

TEST(Rules, defaultIsTheLast) {
  const Checked checked = accept("policy p { a: drop\ndefault { count c; abort } }\ncounter c\n");
  ASSERT_EQ(checked.policy->rules.size(), 2u);
  EXPECT_EQ(checked.policy->rules[1].name, "default");
  EXPECT_EQ(checked.policy->rules[1].body.verdict, ir::Verdict::Abort);
  EXPECT_EQ(checked.policy->rules[1].body.steps.size(), 1u);
  EXPECT_FALSE(checked.policy->rules[0].condition);
}

TEST(Rules, aMeterRequiresTheHeadersOfItsKey) {
  EXPECT_EQ(rulesText("a: drop when tcp.syn over m", "meter m { rate 1 pps per ip.src, l4.dport }\n"),
            "rule a when ((present(tcp) and tcp.syn) and present(ip) and present(l4)) over m\n  drop\n");
  EXPECT_EQ(rulesText("a: drop over m", "meter m { rate 1 pps per ip.src }\n"),
            "rule a when present(ip) over m\n  drop\n");
  EXPECT_EQ(rulesText("a: pass within m", "meter m { rate 1 pps per pkt.ifindex }\n"), "rule a within m\n  pass\n");
}

TEST(Rules, anInlineMeterHasTheNameOfItsRule) {
  const Checked checked =
      accept("policy p { a: drop when icmp or icmp6 over 5 pps burst 7 per ip.src\ndefault pass }\n");
  ASSERT_EQ(checked.policy->meters.size(), 1u);
  EXPECT_EQ(checked.policy->meters[0].name, "a");
  EXPECT_EQ(checked.policy->meters[0].burst, 7u);
  EXPECT_TRUE(checked.policy->meters[0].used);
}

TEST(Rules, actions) {
  const std::string state = "set s of ip { timeout 1h }\nset t of ip\ncounter c { per ip.src }\nevent e { pkt.len }\n";
  EXPECT_EQ(
      rulesText("a: when tcp {\ncount c\nemit e sample 1/100\nadd ip.src to s\nadd ip.src to s for 10m\n"
                "add ip.dst to t\nremove ip.src from t\ndrop\n}",
                state),
      "rule a when present(tcp)\n  count c key ip.src needs ip\n  emit e sample 1/100\n"
      "  add ip.src to s for 1h needs ip\n  add ip.src to s for 10m needs ip\n  add ip.dst to t for ever needs ip\n"
      "  remove ip.src from t needs ip\n  drop\n");
}

TEST(Rules, blocksNest) {
  EXPECT_EQ(rulesText("a: when tcp {\nwhen tcp.syn {\ncount c\ndrop\n} else {\npass\n}\n}", "counter c\n"),
            "rule a when present(tcp)\n  when (present(tcp) and tcp.syn)\n    count c\n    drop\n  else\n    pass\n");
}

TEST(Rules, promisesAreKeptWithAWarning) {
  const Checked checked = accept("policy p { default pass }\nprotect \"x\" { never drop when tcp }\n");
  ASSERT_EQ(checked.policy->protects.size(), 1u);
  EXPECT_EQ(checked.policy->protects[0].never, ir::Verdict::Drop);
  EXPECT_EQ(checked.count("protect-unproved"), 1u);
}

} // namespace
} // namespace xdpc
