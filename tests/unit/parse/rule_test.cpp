// Rules, blocks, actions, default and on.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

// What a rule does, without its name and its condition.
std::string action(const std::string& text) {
  const Parsed parsed("policy p {\n  r: " + text + "\n}\n");
  if (parsed.file.policies.at(0).rules.size() != 1)
    return parsed.errors();
  const std::string tree = parsed.tree();
  const size_t begin = tree.find("do\n") + 9;
  return tree.substr(begin, tree.size() - begin - 1) + parsed.errors();
}

TEST(Rule, Verdicts) {
  for (const char* verdict : {"pass", "drop", "abort", "tx"})
    EXPECT_EQ(action(verdict), verdict);
  for (const char* target :
       {"dev \"eth1\"", "cpu 2", "cpus 0-3", "cpus workers", "cpus 0-1 by hash(ip.src, ip.dst)", "socket taps"})
    EXPECT_EQ(action(fmt::format("redirect to {} when x", target)), fmt::format("redirect to {}", target));
}

TEST(Rule, Actions) {
  EXPECT_EQ(action("count c when x"), "count c");
  EXPECT_EQ(action("emit e"), "emit e");
  EXPECT_EQ(action("emit e sample 1/100 when x"), "emit e sample 1/100");
  EXPECT_EQ(action("add ip.src/24/64 to s for 10m when x"), "add ip.src/24/64 to s for 10m");
  EXPECT_EQ(action("add (ip.src, tcp.dport) to s"), "add (tuple ip.src tcp.dport) to s");
  EXPECT_EQ(action("remove ip.src from s"), "remove ip.src from s");
  EXPECT_EQ(action("ip.ttl = ip.ttl - 1"), "ip.ttl = (- ip.ttl 1)");
  EXPECT_EQ(action("(eth.src, eth.dst) = (eth.dst, eth.src)"), "(tuple eth.src eth.dst) = (tuple eth.dst eth.src)");
  EXPECT_EQ(action("push vlan(id = 5)"), "push vlan(id = 5)");
  EXPECT_EQ(action("pop vlan"), "pop vlan");
  EXPECT_EQ(action("apply nonsense when ip"), "apply nonsense");
}

TEST(Rule, ConditionAndMeter) {
  EXPECT_EQ(rule("r: drop when icmp or icmp6 over m"),
            "  rule r\n    when (or icmp icmp6)\n    over m\n    do\n      drop\n");
  EXPECT_EQ(rule("drop within m"), "  rule\n    within m\n    do\n      drop\n");
  EXPECT_EQ(
      rule("r: drop over 200 pps burst 400 per ip.src/24/64, tcp.dport capacity 1k when full evict clock exact"),
      "  rule r\n    over\n      rate 200pps\n      burst 400\n      per ip.src/24/64, tcp.dport\n      capacity 1000\n"
      "      when full evict\n      clock exact\n    do\n      drop\n");
  EXPECT_EQ(rule("r: drop when payload contains \"x\" within 200 pps"),
            "  rule r\n    when (contains payload \"x\")\n    within\n      rate 200pps\n    do\n      drop\n");
  EXPECT_EQ(rule("r: drop when payload contains \"x\" within 100 within m"),
            "  rule r\n    when (contains payload \"x\" 100)\n    within m\n    do\n      drop\n");
}

// `over rate 5 pps` is as good as `over 5 pps`; a meter may still be called `rate`.
TEST(Rule, InlineMetersWithTheirWord) {
  EXPECT_EQ(rule("drop over rate 5 pps per ip.src"), rule("drop over 5 pps per ip.src"));
  EXPECT_EQ(rule("drop over rate"), "  rule\n    over rate\n    do\n      drop\n");
}

TEST(Rule, Blocks) {
  EXPECT_EQ(
      rule("r: when x over m { emit e; drop } else {\n count c\n\n pass\n }"),
      "  rule r\n    when x\n    over m\n    block\n      emit e\n      drop\n    else\n      count c\n      pass\n");
  EXPECT_EQ(rule("r: when x { }"), "  rule r\n    when x\n    block\n");
  EXPECT_EQ(rule("r: when x {\n when y { drop }\n count c when z\n pass }"),
            "  rule r\n    when x\n    block\n      rule\n        when y\n        block\n          drop\n      rule\n"
            "        when z\n        do\n          count c\n      pass\n");
}

TEST(Rule, ALiteralIsNoBlock) {
  EXPECT_EQ(rule("r: when tcp.dport in { 80, 443 } { drop }"),
            "  rule r\n    when (in tcp.dport {80 443})\n    block\n      drop\n");
  EXPECT_EQ(rule("r: when payload contains any { \"a\" } within 8 { drop }"),
            "  rule r\n    when (contains any payload {\"a\"} 8)\n    block\n      drop\n");
}

TEST(Rule, Spans) {
  const Parsed parsed(
      "policy p {\n  r: when x { drop } else { pass }\n  s: drop when y   # why\n  default { count c; pass }\n}\n");
  const ast::Policy& policy = parsed.file.policies.at(0);
  EXPECT_EQ(policy.rules.at(0).span.text(), "r: when x { drop } else { pass }");
  EXPECT_EQ(policy.rules.at(1).span.text(), "s: drop when y");
  EXPECT_EQ(policy.rules.at(1).name->span.text(), "s");
  EXPECT_EQ(policy.default_span.text(), "default { count c; pass }");
  EXPECT_EQ(policy.span.begin, 0u);
  EXPECT_EQ(policy.span.end, parsed.source.text().size() - 1);
}

TEST(Rule, Default) {
  EXPECT_EQ(rule("default drop"), "  default\n    drop\n");
  EXPECT_EQ(rule("default { count c; drop }"), "  default\n    count c\n    drop\n");
  EXPECT_EQ(rule("default\n"), "  default\n2:8 syntax: expected a verdict or `{` after `default`\n");
  EXPECT_EQ(rule("default pass\ndefault drop"),
            "  default\n    pass\n3:1 misplaced-statement: `default` is given twice\n");
  EXPECT_EQ(rule("default pass\nr: drop"), "  rule r\n    do\n      drop\n  default\n    pass\n"
                                           "3:1 misplaced-statement: a rule stands behind `default`\n");
}

TEST(Rule, OnVerdict) {
  EXPECT_EQ(rule("on drop emit e sample 1/10 when ip"), "  on drop when ip\n    emit e sample 1/10\n");
  EXPECT_EQ(rule("on redirect emit e"), "  on redirect\n    emit e\n");
}

TEST(Rule, NamesThatAreKeywordsElsewhere) {
  for (const char* name : {"on", "apply", "test", "set", "else", "size", "any", "fe80"})
    EXPECT_EQ(rule(fmt::format("{}: drop when x", name)),
              fmt::format("  rule {}\n    when x\n    do\n      drop\n", name));
}

TEST(Rule, Rules) {
  const Parsed parsed("rules n {\n a: drop when x\n b: when y { drop }\n}\npolicy p { apply n; default pass }\n");
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_EQ(parsed.file.rules.at(0).rules.size(), 2u);
  EXPECT_EQ(Parsed("rules n { default pass }").errors(),
            "1:11 misplaced-statement: `default` stands outside of a policy\n");
}

} // namespace
} // namespace xdpc::parse::testing
