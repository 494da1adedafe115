// Expressions: precedence, every kind, and the bounds on depth.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

TEST(Expr, PrecedenceFromTightToLoose) {
  EXPECT_EQ(expr("a * b + c << d & e ^ f | g == h"), "(== (| (^ (& (<< (+ (* a b) c) d) e) f) g) h)");
  EXPECT_EQ(expr("a == b | c ^ d & e << f + g * h"), "(== a (| b (^ c (& d (<< e (+ f (* g h)))))))");
  EXPECT_EQ(expr("a or b and not c == d"), "(or a (and b (not (== c d))))");
  EXPECT_EQ(expr("not a == b and c or d"), "(or (and (not (== a b)) c) d)");
  EXPECT_EQ(expr("not not a"), "(not (not a))");
  EXPECT_EQ(expr("not -a + b == c"), "(not (== (+ (- a) b) c))");
}

TEST(Expr, AssociatesToTheLeft) {
  EXPECT_EQ(expr("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(expr("a << b >> c"), "(>> (<< a b) c)");
  EXPECT_EQ(expr("a and b and c"), "(and (and a b) c)");
}

TEST(Expr, EveryComparison) {
  for (const char* op : {"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
    EXPECT_EQ(expr(fmt::format("a {} b", op)), fmt::format("({} a b)", op));
  EXPECT_EQ(expr("a==b"), "(== a b)");
}

TEST(Expr, GroupsAndTuples) {
  EXPECT_EQ(expr("(a or b) and c"), "(and (group (or a b)) c)");
  EXPECT_EQ(expr("(ip.src, tcp.dport) in allowed"), "(in (tuple ip.src tcp.dport) allowed)");
  EXPECT_EQ(expr("( a , b , )"), "(tuple a b)");
}

TEST(Expr, PostfixesAndCalls) {
  EXPECT_EQ(expr("vxlan.inner.ip.src"), "vxlan.inner.ip.src");
  EXPECT_EQ(expr("tcp.push"), "tcp.push"); // any word is a name behind a dot
  EXPECT_EQ(expr("payload[2]"), "payload[2]");
  EXPECT_EQ(expr("payload[0:4] == \"GET \""), "(== payload[0:4] \"GET \")");
  EXPECT_EQ(expr("payload[a:b]"), "payload[a:b]");
  EXPECT_EQ(expr("u16(payload[2:4])"), "u16(payload[2:4])");
  EXPECT_EQ(expr("hash(ip.src, ip.dst)"), "hash(ip.src ip.dst)");
  EXPECT_EQ(expr("last next_header"), "last(next_header)");
  EXPECT_EQ(expr("last(next_header)"), "last(next_header)");
  EXPECT_EQ(expr("last == 1 and last in x"), "(and (== last 1) (in last x))");
  EXPECT_EQ(expr("country[ip.src] == 49"), "(== country[ip.src] 49)");
  EXPECT_EQ(expr("pairs[192.0.2.1, 80]"), "pairs[(tuple 192.0.2.1 80)]");
}

TEST(Expr, Masks) {
  EXPECT_EQ(expr("ip.src/24/64"), "ip.src/24/64");
  EXPECT_EQ(expr("ipv4.src/16 == 10.1.0.0"), "(== ipv4.src/16 10.1.0.0)");
  EXPECT_EQ(expr("ip.src/ 24"), "ip.src/24");
  EXPECT_NE(expr("ip.src/129").find("bad-number"), std::string::npos);
}

TEST(Expr, Contains) {
  EXPECT_EQ(expr("payload contains \"x\""), "(contains payload \"x\")");
  EXPECT_EQ(expr("payload contains \"x\" within 128"), "(contains payload \"x\" 128)");
  EXPECT_EQ(expr("payload contains any { \"a\", \"b\" } within 128"), "(contains any payload {\"a\" \"b\"} 128)");
  EXPECT_EQ(expr("payload starts with \"GET \" and a"), "(and (starts with payload \"GET \") a)");
  EXPECT_EQ(expr("not payload contains \"x\" or a"), "(or (not (contains payload \"x\")) a)");
}

TEST(Expr, Sets) {
  EXPECT_EQ(expr("{ }"), "{}");
  EXPECT_EQ(expr("{ 80, 443, 8000-8099, }"), "{80 443 8000-8099}");
  EXPECT_EQ(expr("{ 192.0.2.1 => 7, 192.0.2.2 => 8 }"), "{192.0.2.1=>7 192.0.2.2=>8}");
  EXPECT_EQ(expr("{ (192.0.2.7, 443) }"), "{(tuple 192.0.2.7 443)}");
  EXPECT_EQ(expr("load \"drop.txt\""), "(load \"drop.txt\")");
}

TEST(Expr, ComparisonsDoNotChain) {
  EXPECT_EQ(expr("a < b < c"), "(< (< a b) c) ! 1:17 chained-comparison: comparisons do not chain\n");
  EXPECT_NE(expr("a in b contains c").find("chained-comparison"), std::string::npos);
  EXPECT_EQ(expr("a == b and c == d"), "(and (== a b) (== c d))");
}

TEST(Expr, NotStandsBeforeAComparison) {
  EXPECT_NE(expr("a == not b").find("misplaced-not"), std::string::npos);
  EXPECT_NE(expr("-not b").find("misplaced-not"), std::string::npos);
  EXPECT_EQ(expr("a and (not b)"), "(and a (group (not b)))");
}

TEST(Expr, SpansAreNarrow) {
  const Parsed parsed("const x =  a and  b.c == 5   # why\n");
  const ast::Expr& value = parsed.file.constants[0].value;
  EXPECT_EQ(value.span.text(), "a and  b.c == 5");
  EXPECT_EQ(value.opSpan().text(), "and");
  EXPECT_EQ(value.args[1].span.text(), "b.c == 5");
  EXPECT_EQ(value.args[1].opSpan().text(), "==");
  EXPECT_EQ(value.args[1].args[0].span.text(), "b.c");
}

// Lists of thousands of alternatives come from scripts: the tree must stay shallow.
TEST(Expr, LongChainsAreBalanced) {
  EXPECT_EQ(expr("a" + repeat(" or a", 3)), "(or (or (or a a) a) a)");
  const Parsed parsed("const x = a" + repeat(" or a", 20000) + "\n");
  EXPECT_EQ(parsed.errors(), "");
  size_t depth = 0;
  for (const ast::Expr* at = &parsed.file.constants[0].value; !at->args.empty(); at = &at->args[0])
    ++depth;
  EXPECT_LE(depth, 15u);
}

TEST(Expr, EndlessInputIsOneError) {
  for (const char* piece : {"not ", "- ", "a + ", "a.", "a == (", "(", "((", "f(", "a[", "{", "{ ("}) {
    const Parsed parsed("const x = " + repeat(piece, kEndless) + "a\n");
    EXPECT_EQ(parsed.emitter.errorCount(), 1u) << piece << parsed.errors().substr(0, 500);
    EXPECT_NE(parsed.errors().find("too-deep"), std::string::npos) << piece;
  }
}

TEST(Expr, DepthWithinTheBound) {
  const unsigned depth = Limits{}.depth;
  const auto nested = [](unsigned n) { return "const x = " + repeat("(", n) + "a" + repeat(")", n) + "\n"; };
  EXPECT_EQ(Parsed(nested(depth)).errors(), "");
  EXPECT_EQ(Parsed(nested(depth + 1)).errors(),
            fmt::format("1:{} too-deep: brackets nest deeper than the bound of {}\n", 11 + depth, depth));
  EXPECT_EQ(Parsed("const x = " + repeat("not ", depth) + "a\n").errors(), "");
}

// A grammar that tried a group and then a tuple would take 2^n steps.
TEST(Expr, NoExponentialBacktracking) {
  const std::string deep = repeat("(a, f(b, {c, ", 60) + "d" + repeat("})) ", 60);
  EXPECT_EQ(Parsed("const x = " + deep + "\n").errors(), "");
  EXPECT_NE(Parsed("const x = " + repeat("(a, f(b, {c, ", 60) + "] d" + repeat("}))", 60) + "\n").errors(), "");
}

} // namespace
} // namespace xdpc::parse::testing
