// runtime/sets: elements as text, one or a list of them.
#include "runtime/sets/element_list.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace xdpc::test {
namespace {

using abi::KeyKind;

std::string listed(const abi::KeyType& type, std::string_view text) {
  const sets::List list = sets::parseList(type, text);
  std::vector<std::string> lines;
  for (const abi::KeyValue& element : list.elements)
    lines.push_back(abi::formatKey(type, element));
  for (const sets::ListMistake& mistake : list.mistakes)
    lines.push_back(fmt::format("{}: {} [{}]", mistake.line, mistake.error.message, mistake.error.code));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

TEST(ElementList, HasALineAnElementAndComments) {
  EXPECT_EQ(listed({{KeyKind::IpPrefix}}, "# banned\n192.0.2.0/24 # here\n\n  2001:db8::1\t\r\n10.0.0.1"),
            "192.0.2.0/24\n2001:db8::1\n10.0.0.1");
}

TEST(ElementList, MayBeginWithAByteOrderMark) {
  EXPECT_EQ(listed({{KeyKind::Ip}}, "\xef\xbb\xbf"
                                    "192.0.2.1\n"),
            "192.0.2.1");
}

TEST(ElementList, SeparatesPartsWithOrWithoutParentheses) {
  EXPECT_EQ(listed({{KeyKind::Ip, KeyKind::Port}}, "192.0.2.7,443\n(2001:db8::7, 80)\n"),
            "(192.0.2.7, 443)\n(2001:db8::7, 80)");
}

TEST(ElementList, MakesPrefixesOfRanges) {
  EXPECT_EQ(listed({{KeyKind::IpPrefix}}, "10.0.0.1-10.0.0.6"), "10.0.0.1\n10.0.0.2/31\n10.0.0.4/31\n10.0.0.6");
  EXPECT_EQ(listed({{KeyKind::IpPrefix}}, "0.0.0.0-255.255.255.255"), "0.0.0.0/0");
  EXPECT_EQ(listed({{KeyKind::Ipv6Prefix}}, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
}

TEST(ElementList, CountsOutOtherRanges) {
  EXPECT_EQ(listed({{KeyKind::Ip}}, "10.0.0.254-10.0.1.1"), "10.0.0.254\n10.0.0.255\n10.0.1.0\n10.0.1.1");
  EXPECT_EQ(listed({{KeyKind::Ip, KeyKind::Port}}, "10.0.0.1, 80-81"), "(10.0.0.1, 80)\n(10.0.0.1, 81)");
  EXPECT_EQ(listed({{KeyKind::U64}}, "18446744073709551614-18446744073709551615"),
            "18446744073709551614\n18446744073709551615");
}

TEST(ElementList, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(listed({{KeyKind::Port}}, "80\n90-80\n70000\n1,2\n0-4000000000"),
            "80\n2: `90-80` is an empty range [empty-range]\n"
            "3: `70000` is too large for port: at most 65535 [number-too-large]\n"
            "4: `1,2` has 2 parts, an element of port has 1 [bad-element]\n"
            "5: `4000000000` is too large for port: at most 65535 [number-too-large]");
  EXPECT_EQ(listed({{KeyKind::U32}}, "0-4000000000"), "1: `0-4000000000` stands for more than 1048576 elements "
                                                      "[bad-element]");
  EXPECT_EQ(listed({{KeyKind::IpPrefix}}, "10.0.0.0-2001:db8::"),
            "1: the ends of `10.0.0.0-2001:db8::` are of two families [mixed-range]");
  EXPECT_EQ(listed({{KeyKind::IpPrefix}}, "10.0.0.0/24-10.0.1.0"),
            "1: `10.0.0.0/24-10.0.1.0` is no range: its ends are addresses [bad-element]");
}

TEST(ElementList, TellsTenMistakesAndCountsTheOthers) {
  std::string text;
  for (int i = 0; i < 25; ++i)
    text += "x\n";
  const sets::List list = sets::parseList({{KeyKind::Port}}, text);
  EXPECT_EQ(list.mistakes.size(), sets::kMaxListMistakes);
  EXPECT_EQ(list.mistake_count, 25u);
}

} // namespace
} // namespace xdpc::test
