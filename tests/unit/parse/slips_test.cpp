// The slips that people make: one error each, with its own name and, where the intent is clear, a fix-it that repairs
// it.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

struct Slip {
  const char *text, *name, *fixed; // lines of a policy; no fix-it: fixed is null
};
class Slips : public ::testing::TestWithParam<Slip> {};

TEST_P(Slips, OneErrorWithItsOwnName) {
  const auto inPolicy = [](const char* text) { return fmt::format("policy p {{\n{}\n}}\n", text); };
  const Parsed parsed(inPolicy(GetParam().text));
  ASSERT_EQ(parsed.emitter.errorCount(), 1u) << parsed.errors();
  const diag::Diagnostic& error = parsed.emitter.diagnostics()[0];
  EXPECT_STREQ(diag::info(error.id).name, GetParam().name) << parsed.errors();
  EXPECT_EQ(error.fixits.empty(), GetParam().fixed == nullptr) << parsed.fixed();
  if (!GetParam().fixed)
    return;
  EXPECT_EQ(parsed.fixed(), inPolicy(GetParam().fixed));
  EXPECT_EQ(Parsed(parsed.fixed()).errors(), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, Slips,
    ::testing::Values(
        Slip{"a: drop when tcp.dport = 22", "equals-for-comparison", "a: drop when tcp.dport == 22"},
        Slip{"a: when tcp.dport = 22 { drop }", "equals-for-comparison", "a: when tcp.dport == 22 { drop }"},
        Slip{"a: drop when (x = 22) and y", "equals-for-comparison", "a: drop when (x == 22) and y"},
        Slip{"a: emit e when ip sample 1/100", "sample-after-when", "a: emit e sample 1/100 when ip"},
        Slip{"a: emit e when ip over m sample 1/10", "sample-after-when", "a: emit e sample 1/10 when ip over m"},
        Slip{"a: when x\n{\n drop\n}", "brace-on-next-line", "a: when x {\n drop\n}"},
        Slip{"a: when x # why\n{ drop }", "brace-on-next-line", nullptr},
        Slip{"a: when x { drop }\nelse { pass }", "brace-on-next-line", "a: when x { drop } else { pass }"},
        Slip{"a: drop over m when tcp", "meter-before-when", nullptr},
        Slip{"a: drop over 200 pps when tcp", "meter-before-when", nullptr},
        Slip{"a: drop over 200 pps per ip.src when tcp", "meter-before-when", nullptr},
        Slip{"a: drop when x over m and y", "meter-in-condition", nullptr},
        Slip{"a: drop when x over 5 pps per ip.src or y", "meter-in-condition", nullptr},
        Slip{"a: drop when (x over m) and y", "meter-in-condition", nullptr},
        Slip{"a: add ip.src to s for 1h30m", "compound-time", "a: add ip.src to s for 90m"},
        Slip{"a: add ip.src to s for 10 m", "detached-unit", "a: add ip.src to s for 10m"},
        Slip{"a: drop when x && y", "foreign-operator", "a: drop when x and y"},
        Slip{"a: drop when x||y", "foreign-operator", "a: drop when x or y"},
        Slip{"a: drop when !x", "foreign-operator", "a: drop when not x"},
        Slip{"a = drop when x", "colon-and-equals", "a : drop when x"},
        Slip{"a: push vlan(id: 5)", "colon-and-equals", "a: push vlan(id = 5)"},
        Slip{"default: drop", "colon-and-equals", "default drop"}, Slip{"a drop when x", "syntax", "a: drop when x"},
        Slip{"a: dorp when x", "unknown-word", "a: drop when x"}, Slip{"a: accept", "unknown-word", "a: pass"},
        Slip{"a: deny when x", "unknown-word", "a: drop when x"},
        Slip{"a: if x { drop }", "unknown-word", "a: when x { drop }"},
        Slip{"a: frobnicate x", "unknown-word", nullptr}, Slip{"count: drop when x", "reserved-word", nullptr},
        Slip{"a: count drop", "reserved-word", nullptr},
        Slip{"a: x == 1 { drop }", "missing-when", "a: when x == 1 { drop }"},
        Slip{"a: drop when x { drop }", "missing-when", nullptr},
        Slip{"a: drop when x == not y", "misplaced-not", nullptr},
        Slip{"a: drop when x < y < z", "chained-comparison", nullptr},
        Slip{"a: emit e sample 2/10", "bad-sample", nullptr}, Slip{"a: emit e sample 1/0", "bad-sample", nullptr},
        Slip{"a-b-2: drop when x", "bad-name", "a_b_2: drop when x"},
        Slip{"a: when x { pop; pass }", "syntax", "a: when x { pop vlan; pass }"},
        Slip{"a: when x { untag; pass }", "unknown-word", "a: when x { pop vlan; pass }"},
        Slip{"a: drop when x over 5 kPPS", "bad-number", "a: drop when x over 5 kpps"},
        Slip{"a: drop when x over 5Kbps", "bad-number", "a: drop when x over 5kbps"},
        Slip{"a: drop when x == 02-00-5E-00-53-01", "bad-address", "a: drop when x == 02:00:5E:00:53:01"},
        Slip{"a: when x { drop } else if y { pass }", "syntax", nullptr},
        Slip{"default accept", "unknown-word", "default pass"}, Slip{"default nonsense", "unknown-word", nullptr},
        Slip{"a: drop when ip.src in 'x'", "syntax", nullptr}));

TEST(Slips, Messages) {
  EXPECT_EQ(rule("a: drop when"), "2:13 syntax: expected a condition after `when`\n");
  EXPECT_EQ(rule("a: when { drop }"), "2:9 syntax: expected a condition after `when`\n");
  EXPECT_EQ(rule("a: drop when x and"), "2:19 syntax: expected a value after `and`\n");
  EXPECT_EQ(rule("a: drop when x y"), "2:16 syntax: unexpected `y` after `x`\n");
  EXPECT_EQ(rule("a: drop when tcp."), "2:18 syntax: expected a field's name after `.`\n");
  EXPECT_EQ(rule("a: add ip.src"), "2:14 syntax: expected an operator or `to` after `src`\n");
  EXPECT_EQ(rule("a: redirect to eth0"), "2:16 syntax: expected `dev`, `cpu`, `cpus` or `socket` after `to`\n");
  EXPECT_EQ(rule("a: when x"), "2:10 syntax: expected `{` after `a: when x`\n");
  EXPECT_EQ(rule("a: when x { drop } otherwise { pass }"), "  rule a\n    when x\n    block\n      drop\n2:20 syntax: "
                                                           "expected `else` or the end of the statement after `}`\n");
}

TEST(Slips, AtTheTopLevel) {
  EXPECT_EQ(Parsed("polcy p { default pass }").errors(), "1:1 unknown-word: `polcy` starts no declaration\n");
  EXPECT_EQ(Parsed("const a 5").errors(), "1:9 syntax: expected `=` after `a`\n");
  EXPECT_EQ(Parsed("const a: 5").fixed(), "const a = 5");
  EXPECT_EQ(Parsed("const drop = 5").errors(), "1:7 reserved-word: `drop` is a word of the language and no name\n");
  EXPECT_EQ(Parsed("set s of ip { capacty 5 }").fixed(), "set s of ip { capacity 5 }");
  EXPECT_EQ(Parsed("meter m\n{ rate 5 pps }").fixed(), "meter m { rate 5 pps }");
  EXPECT_EQ(Parsed("policy p\n").errors(), "1:9 syntax: expected `{` after `policy p`\n");
  EXPECT_EQ(Parsed("const a = 1 { }").errors(), "1:13 syntax: unexpected `{`\n");
  EXPECT_EQ(Parsed("{ }").errors(), "1:1 syntax: expected a declaration\n");
  EXPECT_EQ(Parsed("extern \"a.c\" fn f(payload) -> bool").errors(), "");
}

TEST(Slips, InTests) {
  const auto fixed = [](const char* text) { return Parsed(fmt::format("test \"t\" {{ {} }}", text)).fixed(); };
  EXPECT_EQ(fixed("expect counter a = 4"), "test \"t\" { expect counter a == 4 }");
  EXPECT_EQ(fixed("expect passs by a for ipv4"), "test \"t\" { expect pass by a for ipv4 }");
  EXPECT_EQ(fixed("expct pass by a for ipv4"), "test \"t\" { expect pass by a for ipv4 }");
  EXPECT_EQ(fixed("expect pass for ipv4(src: ::1)"), "test \"t\" { expect pass for ipv4(src = ::1) }");
}

} // namespace
} // namespace xdpc::parse::testing
