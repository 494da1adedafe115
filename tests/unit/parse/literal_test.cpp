// Literals in expressions: what is read, and what is said about the bad ones.
#include "tests/unit/parse/parsed.h"

#include <gtest/gtest.h>

namespace xdpc::parse::testing {
namespace {

TEST(Literal, Numbers) {
  EXPECT_EQ(expr("443"), "443");
  EXPECT_EQ(expr("0x1f"), "31");
  EXPECT_EQ(expr("100_000"), "100000");
  EXPECT_EQ(expr("100k"), "100000");
  EXPECT_EQ(expr("1Mi"), "1048576");
}

TEST(Literal, Quantities) {
  EXPECT_EQ(expr("10m"), "10m");
  EXPECT_EQ(expr("100ms"), "100ms");
  EXPECT_EQ(expr("64KiB"), "65536B");
  EXPECT_EQ(expr("1500B"), "1500B");
  EXPECT_EQ(expr("200 pps"), "200pps");
  EXPECT_EQ(expr("200pps"), "200pps");
  EXPECT_EQ(expr("5 kpps"), "5000pps");
  EXPECT_EQ(expr("10 Gbps"), "10000000000bps");
  EXPECT_EQ(expr("0xB"), "11"); // no bytes
}

TEST(Literal, Addresses) {
  EXPECT_EQ(expr("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(expr("192.0.2.0/24"), "192.0.2.0/24");
  EXPECT_EQ(expr("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(expr("fc00::1"), "fc00::1"); // starts with a letter
  EXPECT_EQ(expr("::"), "::");
  EXPECT_EQ(expr("{ ::/128, ::1/128 }"), "{::/128 ::1/128}");
  EXPECT_EQ(expr("02:00:5e:00:53:01"), "02:00:5e:00:53:01");
  EXPECT_EQ(expr("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
  EXPECT_EQ(expr("ip.src in ::/0"), "(in ip.src ::/0)");
}

TEST(Literal, RangesAndSubtraction) {
  EXPECT_EQ(expr("8000-8099"), "8000-8099");
  EXPECT_EQ(expr("10.0.0.1-10.0.0.9"), "10.0.0.1-10.0.0.9");
  EXPECT_EQ(expr("2001:db8::1-2001:db8::9"), "2001:db8::1-2001:db8::9");
  EXPECT_EQ(expr("8099 - 8000"), "(- 8099 8000)");
  EXPECT_EQ(expr("8099 -8000"), "(- 8099 8000)");
  EXPECT_EQ(expr("a-1"), "(- a 1)");
  EXPECT_EQ(expr("8-a"), "(- 8 a)");
}

TEST(Literal, Bytes) {
  EXPECT_EQ(expr(R"("a\"\\\n\r\t\x00b")"), R"("a\"\\\x0a\x0d\x09\x00b")");
  EXPECT_EQ(expr(R"(x"16 03 01")"), R"("\x16\x03\x01")");
  EXPECT_EQ(expr(R"(x"1603")"), R"("\x16\x03")");
  EXPECT_EQ(expr(R"("# no comment { ( ;")"), R"("# no comment { ( ;")");
  EXPECT_EQ(expr("\"\""), "\"\"");
}

struct Bad {
  const char *text, *error;
};
class BadLiteral : public ::testing::TestWithParam<Bad> {};

TEST_P(BadLiteral, IsOneErrorAtItsPlace) {
  const Parsed parsed(fmt::format("const x = {}\n", GetParam().text));
  EXPECT_EQ(parsed.emitter.errorCount(), 1u);
  EXPECT_NE(parsed.errors().find(GetParam().error), std::string::npos) << parsed.errors();
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLiteral,
    ::testing::Values(Bad{"192.0.2.1/24", "1:11 host-bits"}, Bad{"300.1.1.1", "1:11 bad-address"},
                      Bad{"10.0.0.0/33", "1:11 bad-address"}, Bad{"10.0.0.x", "1:11 bad-address"},
                      Bad{"fe80::1%eth0", "1:11 bad-address"}, Bad{"1::2::3", "1:11 bad-address"},
                      Bad{"1.5", "1:11 bad-number"}, Bad{"12q", "1:11 bad-number"}, Bad{"0xfg", "1:11 bad-number"},
                      Bad{"99999999999999999999", "1:11 number-too-large"},
                      Bad{"99999999999999999 Gbps", "1:11 number-too-large"},
                      Bad{"20000000000G", "1:11 number-too-large"}, Bad{"443-80", "1:11 empty-range"},
                      Bad{"10.0.0.9-10.0.0.1", "1:11 empty-range"}, Bad{"80-10.0.0.1", "1:11 mixed-range"},
                      Bad{"10.0.0.1-::1", "1:11 mixed-range"}, Bad{"1h30m", "1:11 compound-time"},
                      Bad{"10 m", "1:11 detached-unit"}, Bad{"64 KiB", "1:11 detached-unit"},
                      Bad{R"("a\q")", "1:13 bad-bytes"}, Bad{R"("a\x4")", "1:13 bad-bytes"},
                      Bad{R"(x"1")", "1:13 bad-bytes"}, Bad{R"(x"zz")", "1:13 bad-bytes"},
                      Bad{R"("open)", "1:11 unterminated-text"}, Bad{R"("open\)", "1:11 unterminated-text"}));

TEST(Literal, FixIts) {
  EXPECT_EQ(Parsed("const x = { 192.0.2.1/24 }").fixed(), "const x = { 192.0.2.0/24 }");
  EXPECT_EQ(Parsed("const x = { 443-80 }").fixed(), "const x = { 80-443 }");
  EXPECT_EQ(Parsed("const x = 1h30m").fixed(), "const x = 90m");
  EXPECT_EQ(Parsed("const x = 10 m").fixed(), "const x = 10m");
}

} // namespace
} // namespace xdpc::parse::testing
