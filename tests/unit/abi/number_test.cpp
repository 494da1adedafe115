// runtime/abi/literal.h: numbers and times.
#include "runtime/abi/literal.h"

#include <gtest/gtest.h>

namespace xdpc::abi {
namespace {

TEST(ParseNumber, ReadsEveryForm) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0", 0},
      {"443", 443},
      {"100_000", 100'000},
      {"0x1f", 31},
      {"0xFF_ff", 0xffff},
      {"100k", 100'000},
      {"1M", 1'000'000},
      {"2G", 2'000'000'000},
      {"64Ki", 65'536},
      {"1Mi", 1'048'576},
      {"1Gi", 1'073'741'824},
      {"18446744073709551615", UINT64_MAX},
      {"0xffffffffffffffff", UINT64_MAX},
      {"1_0k", 10'000},
  };
  for (const auto& [text, value] : cases) {
    const auto number = parseNumber(text);
    ASSERT_TRUE(number.ok()) << number.error().message;
    EXPECT_EQ(*number, value) << text;
  }
}

void expectError(const Literal<uint64_t>& result, const char* code, const char* message, const char* fixit) {
  ASSERT_FALSE(result.ok()) << message;
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().message, message);
  EXPECT_EQ(result.error().fixit, fixit);
}

TEST(ParseNumber, SaysWhatIsWrong) {
  expectError(parseNumber(""), "bad-number", "`` is not a number", "");
  expectError(parseNumber("x"), "bad-number", "`x` is not a number", "");
  expectError(parseNumber("_"), "bad-number", "`_` is not a number", "");
  expectError(parseNumber("-1"), "bad-number", "`-1` is not a number", "");
  expectError(parseNumber("1__0"), "bad-number", "`1__0` has a `_` that is not between two digits", "10");
  expectError(parseNumber("10_"), "bad-number", "`10_` has a `_` that is not between two digits", "10");
  expectError(parseNumber("10_k"), "bad-number", "`10_k` has a `_` that is not between two digits", "10k");
  expectError(parseNumber("0x_1"), "bad-number", "`0x_1` has a `_` that is not between two digits", "0x1");
  expectError(parseNumber("0x"), "bad-number", "`0x` has no hexadecimal digit behind `0x`", "");
  expectError(parseNumber("0X1f"), "bad-number", "`0X1f` has a capital `X`", "0x1f");
  expectError(parseNumber("0x1k"), "bad-number", "`0x1k` has the suffix `k`, which only a decimal number takes", "");
  expectError(parseNumber("0x1g"), "bad-number", "`0x1g` is not a number: `g` does not belong to it", "");
  expectError(parseNumber("1K"), "bad-number", "`1K` has the unknown suffix `K`: there are k M G Ki Mi Gi", "1k");
  expectError(parseNumber("1T"), "bad-number", "`1T` has the unknown suffix `T`: there are k M G Ki Mi Gi", "");
  const char* most = "the greatest number is 18446744073709551615";
  for (const char* text : {"18446744073709551616", "0x10000000000000000", "18446744073709551615k", "999999999999999Gi"})
    expectError(parseNumber(text), "number-too-large", ("`" + std::string(text) + "` is too large: " + most).c_str(),
                "");
}

TEST(ParseDuration, ReadsEveryUnit) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"1ns", 1},
      {"1us", 1'000},
      {"1ms", 1'000'000},
      {"1s", 1'000'000'000},
      {"10m", 600'000'000'000},
      {"1h", 3'600'000'000'000},
      {"2d", 172'800'000'000'000},
      {"0s", 0},
      {"1_000ms", 1'000'000'000},
  };
  for (const auto& [text, value] : cases)
    EXPECT_EQ(parseDuration(text).value(), value) << text;
}

TEST(ParseDuration, SaysWhatIsWrong) {
  expectError(parseDuration("10"), "bad-time", "`10` is a time without a unit: ns us ms s m h d", "");
  expectError(parseDuration("m"), "bad-time", "`m` is not a time", "");
  expectError(parseDuration("1h30m"), "bad-time", "`1h30m` joins two units, a time has one", "90m");
  expectError(parseDuration("1m30s"), "bad-time", "`1m30s` joins two units, a time has one", "90s");
  expectError(parseDuration("5min"), "bad-time",
              "`5min` has the unknown unit of time `min`: there are ns us ms s m h d", "5m");
  expectError(parseDuration("5S"), "bad-time", "`5S` has the unknown unit of time `S`: there are ns us ms s m h d",
              "5s");
  expectError(parseDuration("5 m"), "bad-time", "`5 m` has the unknown unit of time ` m`: there are ns us ms s m h d",
              "");
  expectError(parseDuration("5w"), "bad-time", "`5w` has the unknown unit of time `w`: there are ns us ms s m h d", "");
  EXPECT_EQ(parseDuration("300000d").error().code, "number-too-large");
  EXPECT_EQ(parseDuration("99999999999999999999s").error().code, "number-too-large");
}

TEST(FormatDuration, PicksTheLargestUnitThatDivides) {
  for (const char* text : {"0s", "1ns", "1500us", "90s", "10m", "36h", "2d", "18446744073709551615ns"})
    EXPECT_EQ(formatDuration(*parseDuration(text)), text);
}

} // namespace
} // namespace xdpc::abi
