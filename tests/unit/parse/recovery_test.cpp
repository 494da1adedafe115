// After an error the parser goes on at the next statement, and what is right is kept.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

TEST(Recovery, OneErrorAStatement) {
  const Parsed parsed("const a = \nconst b = 2\nset s of ip { capacty 5 }\npolicy p {\n  a: drop when\n  b: drop when "
                      "x = 1; c: pass when y\n"
                      "  d: when z {\n    emit\n    drop\n    add ip.src for s\n  }\n  default pass\n}\n"
                      "test \"t\" {\n  expect pass by b\n  wait 1s\n  given x\n}\n");
  EXPECT_EQ(parsed.errors(), "1:10 syntax: expected a value after `=`\n"
                             "3:15 unknown-word: `capacty` starts no clause\n"
                             "5:15 syntax: expected a condition after `when`\n"
                             "6:18 equals-for-comparison: `=` does not compare\n"
                             "8:9 syntax: expected a name after `emit`\n"
                             "10:16 syntax: expected an operator or `to` after `src`\n"
                             "15:19 syntax: expected `for` after `b`\n"
                             "17:10 syntax: expected `=` after `x`\n");
  EXPECT_EQ(parsed.tree(),
            "const b = 2\npolicy p\n  rule c\n    when y\n    do\n      pass\n  rule d\n    when z\n    block\n"
            "      drop\n  default\n    pass\ntest \"t\"\n  wait 1s\n");
}

TEST(Recovery, ABadHeadDoesNotHideItsBlock) {
  EXPECT_EQ(Parsed("policy {\n  a: drop when\n  default pass\n}\nconst b = 2 2\n").errors(),
            "1:8 syntax: expected a name after `policy`\n2:15 syntax: expected a condition after `when`\n"
            "5:13 syntax: unexpected `2` after `2`\n");
  EXPECT_EQ(Parsed("policy p {\n  a: when = x {\n    emit\n  } else {\n    count\n  }\n  b: emit\n}\n").errors(),
            "2:11 syntax: expected a condition after `when`\n3:9 syntax: expected a name after `emit`\n"
            "5:10 syntax: expected a name after `count`\n7:10 syntax: expected a name after `emit`\n");
}

TEST(Recovery, BlocksWhereNoneBelongs) {
  EXPECT_EQ(Parsed("policy p {\n  default pass { drop }\n}\nconst a = 2 2").errors(),
            "2:16 syntax: unexpected `{`\n4:13 syntax: unexpected `2` after `2`\n");
  EXPECT_EQ(Parsed("test \"t\" {\n  wait 1s { drop } x { }\n  wait\n}\n").errors(),
            "2:11 syntax: unexpected `{`\n2:20 syntax: expected the end of the statement after `}`\n3:7 syntax: "
            "expected a time after `wait`\n");
}

TEST(Recovery, AnErrorOfTheLayoutIsReportedOnce) {
  EXPECT_EQ(Parsed("policy p {\n  a: drop when payload contains \"abc\n  b: emit\n}\n").errors(),
            "2:33 unterminated-text: text without its closing `\"`\n3:10 syntax: expected a name after `emit`\n");
  EXPECT_EQ(Parsed("policy p {\n  a: when payload contains \"abc {\n    drop\n  }\n  default pass\n}\n").errors(),
            "2:28 unterminated-text: text without its closing `\"`\n");
}

TEST(Recovery, ErrorsAreBounded) {
  EXPECT_EQ(Parsed(repeat("const\n", 100'000)).emitter.errorCount(), Limits{}.errors);
  EXPECT_EQ(Parsed("const a = { " + repeat("1.2.3.4/8, ", 100'000) + "}").emitter.errorCount(), Limits{}.errors);
}

// A policy that is long enough for two threads says the same, in the same order, as its parts do by themselves.
class Halves : public ::testing::Test {
protected:
  static constexpr unsigned kRules = 3000;

  // `special` stands in place of one rule.
  static std::string policy(unsigned place, const std::string& special) {
    std::string text = "policy p {\n";
    for (unsigned i = 0; i < kRules; ++i)
      text += i == place ? special + "\n" : fmt::format("  r{}: drop when x == {}\n", i, i);
    return text + "  default pass\n}\nconst behind = 1\n";
  }
  static std::string errorsOf(const std::string& special, unsigned place) {
    return Parsed(policy(place, special)).errors();
  }
};

TEST_F(Halves, AllRulesInOrder) {
  const Parsed parsed(policy(kRules, ""));
  EXPECT_EQ(parsed.errors(), "");
  ASSERT_EQ(parsed.file.policies.size(), 1u);
  const ast::Policy& made = parsed.file.policies[0];
  ASSERT_EQ(made.rules.size(), kRules);
  for (unsigned i = 0; i < kRules; ++i)
    EXPECT_EQ(made.rules[i].name->text, fmt::format("r{}", i));
  EXPECT_TRUE(made.otherwise);
  EXPECT_EQ(made.default_span.text(), "default pass");
  EXPECT_TRUE(made.span.text().ends_with("default pass\n}"));
  EXPECT_EQ(parsed.file.constants.size(), 1u);
}

TEST_F(Halves, BlocksAreNotCut) {
  std::string text = "policy p {\n  whole: when a {\n";
  for (unsigned i = 0; i < kRules; ++i)
    text += "    drop when b\n";
  const Parsed in_block(text + "  }\n  r: pass when c;; \n\n  s: pass when d\n  default pass\n}\n");
  EXPECT_EQ(in_block.errors(), "");
  EXPECT_EQ(in_block.file.policies[0].rules.size(), 3u);
  std::string many = "policy p {\n";
  for (unsigned i = 0; i < kRules; ++i)
    many += "  when a { count c;; drop } else { pass }\n\n;\n";
  const Parsed blocks(many + "  default pass\n}\n");
  EXPECT_EQ(blocks.errors(), "");
  EXPECT_EQ(blocks.file.policies[0].rules.size(), kRules);
}

TEST_F(Halves, ErrorsAreThoseOfEitherHalf) {
  for (const unsigned place : {100u, kRules - 100})
    EXPECT_EQ(errorsOf("  a: drop when", place),
              fmt::format("{}:15 syntax: expected a condition after `when`\n", place + 2));
  const std::string late = errorsOf("  default drop", kRules - 100), early = errorsOf("  default drop", 100);
  EXPECT_EQ(std::ranges::count(late, '\n'), 100); // 99 rules behind it, and the other `default`
  EXPECT_EQ(Parsed(policy(100, "  default drop")).emitter.errorCount(), Limits{}.errors);
  EXPECT_TRUE(early.starts_with("103:3 misplaced-statement: a rule stands behind `default`\n104:3"));
}

} // namespace
} // namespace xdpc::parse::testing
