// runtime/abi/length_list.h: a key under an entry's masks and forms is the key cut to the entry's lengths.
#include "runtime/abi/length_list.h"

#include <gtest/gtest.h>

namespace xdpc::abi {
namespace {

KeyValue parse(const KeyType& type, const char* text) {
  return parseKey(type, text).value();
}

// What the program makes of a whole key.
TableKey under(const LengthEntry& entry, const TableKey& whole) {
  TableKey key{static_cast<uint8_t>(entry.form), whole.words};
  for (size_t word = 0; word < key.words.size(); ++word)
    key.words[word] = (key.words[word] & entry.masks[word]) | entry.forms[word];
  return key;
}

void expectCut(const KeyType& type, const char* whole, const char* cut) {
  const KeyValue key = parse(type, whole), wanted = parse(type, cut);
  const auto lengths = lengthsOf(type, wanted);
  EXPECT_EQ(cutTo(type, key, lengths), wanted) << whole;
  EXPECT_EQ(under(lengthEntry(type, lengths), packKey(type, key)), packKey(type, wanted)) << whole;
  EXPECT_EQ(lengthsOf(type, lengthEntry(type, lengths).rank), lengths) << whole;
}

TEST(LengthList, MasksCutAKey) {
  const KeyType ip{{KeyKind::IpPrefix}}, v4{{KeyKind::Ipv4Prefix}}, v6{{KeyKind::Ipv6Prefix}};
  expectCut(ip, "203.0.113.9", "203.0.113.9");
  expectCut(ip, "203.0.113.9", "203.0.112.0/20");
  expectCut(ip, "203.0.113.9", "0.0.0.0/0");
  expectCut(ip, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6");
  expectCut(ip, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4::/95");
  expectCut(ip, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
  expectCut(ip, "2001:db8:1:2:3:4:5:6", "2001:db8::/33");
  expectCut(ip, "2001:db8:1:2:3:4:5:6", "::/0");
  expectCut(v4, "203.0.113.9", "203.0.113.0/24");
  expectCut(v6, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3::/80");
}

TEST(LengthList, MasksLeaveOtherPartsAlone) {
  const KeyType pairs{{KeyKind::IpPrefix, KeyKind::IpPrefix}},
      all{{KeyKind::Ip, KeyKind::Ipv4Prefix, KeyKind::Mac, KeyKind::Port, KeyKind::IpPrefix, KeyKind::U64,
           KeyKind::U8}};
  expectCut(pairs, "(203.0.113.9, 10.1.2.3)", "(203.0.113.0/24, 10.0.0.0/8)");
  expectCut(pairs, "(203.0.113.9, 2001:db8::1)", "(203.0.113.9, 2001:db8::/32)");
  expectCut(pairs, "(2001:db8::1, 203.0.113.9)", "(::/0, 0.0.0.0/0)");
  expectCut(all, "(2001:db8::9, 203.0.113.9, 02:00:5e:00:53:01, 443, 10.1.2.3, 0xffffffffffffffff, 255)",
            "(2001:db8::9, 203.0.0.0/16, 02:00:5e:00:53:01, 443, 10.1.2.0/24, 0xffffffffffffffff, 255)");
  expectCut(all, "(192.0.2.9, 203.0.113.9, 02:00:5e:00:53:01, 443, 2001:db8::1, 1, 0)",
            "(192.0.2.9, 203.0.113.9, 02:00:5e:00:53:01, 443, 2001:db8::/48, 1, 0)");
}

TEST(LengthList, RanksFollowTheFirstPart) {
  const KeyType pairs{{KeyKind::Ipv4Prefix, KeyKind::IpPrefix}};
  const auto rank = [&](const char* text) { return lengthEntry(pairs, lengthsOf(pairs, parse(pairs, text))).rank; };
  EXPECT_GT(rank("(10.0.0.0/9, 0.0.0.0/0)"), rank("(10.0.0.0/8, 10.0.0.1)"));
  EXPECT_GT(rank("(10.0.0.0/8, 10.0.0.0/9)"), rank("(10.0.0.0/8, 10.0.0.0/8)"));
  EXPECT_GT(rank("(0.0.0.0/0, 0.0.0.0/0)"), 0u);
}

TEST(LengthList, FamiliesTellApart) {
  const KeyType pairs{{KeyKind::IpPrefix, KeyKind::IpPrefix}};
  const auto families = [&](const char* text) {
    return lengthEntry(pairs, lengthsOf(pairs, parse(pairs, text))).families;
  };
  EXPECT_EQ(families("(10.0.0.1, 10.0.0.1)"), 0u);
  EXPECT_EQ(families("(::1, 10.0.0.1)"), 1u);
  EXPECT_EQ(families("(10.0.0.1, ::1)"), 2u);
  EXPECT_EQ(cutTo(pairs, parse(pairs, "(10.0.0.1, 10.0.0.1)"), {{Family::v4, 8}, {Family::v6, 8}}), std::nullopt);
  EXPECT_EQ(cutTo(pairs, parse(pairs, "(10.0.0.0/8, 10.0.0.1)"), {{Family::v4, 9}, {Family::v4, 8}}), std::nullopt);
}

} // namespace
} // namespace xdpc::abi
