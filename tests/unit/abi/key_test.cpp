// runtime/abi/key.h: bytes, text and containment of keys.
#include "runtime/abi/key.h"

#include <gtest/gtest.h>

namespace xdpc::abi {
namespace {

KeyType type(std::vector<KeyKind> parts) {
  return {std::move(parts)};
}

KeyValue value(const KeyType& type, std::string_view text) {
  auto parsed = parseKey(type, text);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  return parsed.value();
}

TEST(KeyKinds, HaveTheirNamesBothWays) {
  for (int i = 0; i <= static_cast<int>(KeyKind::Bool); ++i) {
    const auto kind = static_cast<KeyKind>(i);
    EXPECT_EQ(keyKindByName(keyKindName(kind)), kind);
    EXPECT_EQ(keyKindSize(kind) % 4, 0u);
  }
  EXPECT_EQ(keyKindByName("ip.suffix"), std::nullopt);
  EXPECT_EQ(keyTypeName(type({KeyKind::Ip})), "ip");
  EXPECT_EQ(keyTypeName(type({KeyKind::Ip, KeyKind::Port})), "(ip, port)");
}

// The bytes that the compiler's lowering writes, spelt out once.
TEST(EncodeKey, IsTheLayoutOfTheHeader) {
  EXPECT_EQ(encodeKey(type({KeyKind::Ip}), value(type({KeyKind::Ip}), "192.0.2.7")),
            (Bytes{4, 32, 0, 0, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const KeyType prefix = type({KeyKind::IpPrefix});
  EXPECT_EQ(encodeKey(prefix, value(prefix, "2001:db8::/32")),
            (Bytes{6, 32, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const KeyType v4 = type({KeyKind::Ipv4, KeyKind::Port});
  EXPECT_EQ(encodeKey(v4, value(v4, "(192.0.2.7, 443)")), (Bytes{192, 0, 2, 7, 0xbb, 0x01, 0, 0}));
  const KeyType v4_prefix = type({KeyKind::Ipv4Prefix});
  EXPECT_EQ(encodeKey(v4_prefix, value(v4_prefix, "10.0.0.0/8")), (Bytes{4, 8, 0, 0, 10, 0, 0, 0}));
  const KeyType mac = type({KeyKind::Mac, KeyKind::U64});
  EXPECT_EQ(encodeKey(mac, value(mac, "(02:00:5e:00:53:01, 0x0102)")),
            (Bytes{2, 0, 0x5e, 0, 0x53, 1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(EncodeTrieKey, PutsThePrefixLast) {
  const KeyType type{{KeyKind::IpPrefix, KeyKind::Port}};
  EXPECT_EQ(trieKeySize(type), 28u);
  EXPECT_EQ(encodeTrieKey(type, value(type, "(10.0.0.0/8, 443)")),
            (Bytes{72, 0, 0, 0, 0xbb, 0x01, 0, 0, 4, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const KeyType v4{{KeyKind::Ipv4Prefix}};
  EXPECT_EQ(trieKeySize(v4), 8u);
  EXPECT_EQ(encodeTrieKey(v4, value(v4, "10.0.0.0/8")), (Bytes{8, 0, 0, 0, 10, 0, 0, 0}));
  EXPECT_EQ(trieKeySize({{KeyKind::Ip}}), 0u);
}

TEST(Keys, GoThroughBytesAndTextUnchanged) {
  const std::pair<KeyType, const char*> cases[] = {
      {type({KeyKind::Ip}), "2001:db8::1"},
      {type({KeyKind::IpPrefix}), "10.0.0.0/8"},
      {type({KeyKind::IpPrefix}), "::/0"},
      {type({KeyKind::Ipv4}), "192.0.2.7"},
      {type({KeyKind::Ipv6}), "2001:db8::7"},
      {type({KeyKind::Ipv6Prefix}), "2001:db8::/32"},
      {type({KeyKind::Mac}), "02:00:5e:00:53:01"},
      {type({KeyKind::U64}), "18446744073709551615"},
      {type({KeyKind::Bool}), "true"},
      {type({KeyKind::Port, KeyKind::IpPrefix, KeyKind::U8}), "(443, 192.0.2.0/24, 17)"},
      {type({KeyKind::Ipv4Prefix, KeyKind::Mac}), "(192.0.2.0/24, 02:00:5e:00:53:01)"},
  };
  for (const auto& [type, text] : cases) {
    const KeyValue parsed = value(type, text);
    EXPECT_EQ(formatKey(type, parsed), text);
    const Bytes bytes = encodeKey(type, parsed);
    EXPECT_EQ(bytes.size(), keySize(type));
    EXPECT_EQ(decodeKey(type, bytes), parsed);
    if (!prefixPart(type))
      continue;
    const Bytes trie = encodeTrieKey(type, parsed);
    EXPECT_EQ(trie.size(), trieKeySize(type));
    EXPECT_EQ(decodeTrieKey(type, trie), parsed);
  }
}

TEST(DecodeKey, SurvivesBytesThatCannotBe) {
  const Bytes noise(28, 0xff);
  const KeyType type{{KeyKind::IpPrefix, KeyKind::U64}};
  EXPECT_EQ(std::get<Prefix>(decodeKey(type, noise)[0]).length, 128);
  EXPECT_EQ(decodeTrieKey({{KeyKind::IpPrefix, KeyKind::Port}}, noise).size(), 2u);
}

TEST(ParseKey, ChecksTypeAndWidth) {
  const auto message = [](std::vector<KeyKind> parts, const char* text) {
    const auto parsed = parseKey({std::move(parts)}, text);
    return parsed.ok() ? "accepted" : parsed.error().message;
  };
  EXPECT_EQ(message({KeyKind::Port}, "65536"), "`65536` is too large for port: at most 65535");
  EXPECT_EQ(message({KeyKind::U8}, "256"), "`256` is too large for u8: at most 255");
  EXPECT_EQ(message({KeyKind::Bool}, "2"), "`2` is too large for bool: at most 1");
  EXPECT_EQ(message({KeyKind::Ip}, "10.0.0.0/8"), "`10.0.0.0/8` is not a single address");
  EXPECT_EQ(message({KeyKind::Ipv4}, "::1"), "`::1` is not an IPv4 address");
  EXPECT_EQ(message({KeyKind::Ipv6Prefix}, "10.0.0.0/8"), "`10.0.0.0/8` is not an IPv6 address");
  EXPECT_EQ(message({KeyKind::IpPrefix}, "10.0.0.1/8"), "`10.0.0.1/8` has host bits set behind /8");
  EXPECT_EQ(message({KeyKind::Ip, KeyKind::Port}, "10.0.0.1"), "`10.0.0.1` has 1 part, an element of (ip, port) has 2");
  EXPECT_EQ(message({KeyKind::Ip}, "(10.0.0.1, 3)"), "`(10.0.0.1, 3)` has 2 parts, an element of ip has 1");
  EXPECT_EQ(message({KeyKind::U64}, "18446744073709551615"), "accepted");
  EXPECT_EQ(message({KeyKind::Ip, KeyKind::Port}, " ( 10.0.0.1 ,0x50 ) "), "accepted");
}

TEST(Covers, ComparesPartsAndMatchesThePrefix) {
  const KeyType type{{KeyKind::IpPrefix, KeyKind::Port}};
  const auto covered = [&](const char* element, const char* key) {
    return covers(type, value(type, element), value(type, key));
  };
  EXPECT_TRUE(covered("(10.0.0.0/8, 443)", "(10.1.2.3, 443)"));
  EXPECT_FALSE(covered("(10.0.0.0/8, 443)", "(10.1.2.3, 444)"));
  EXPECT_FALSE(covered("(10.0.0.0/8, 443)", "(11.1.2.3, 443)"));
  EXPECT_FALSE(covered("(0.0.0.0/0, 443)", "(::1, 443)"));
}

} // namespace
} // namespace xdpc::abi
