// runtime/abi/keyed_table.h: where keys lie, and that nothing of them is lost.
#include "runtime/abi/keyed_table.h"

#include <gtest/gtest.h>

#include <set>

namespace xdpc::abi {
namespace {

TEST(KeyedTable, EachTagHasAPlaceOfItsOwn) {
  std::set<unsigned> places, positions;
  for (unsigned lane = 0; lane < 4; ++lane)
    for (unsigned word = 0; word < 4; ++word) {
      const unsigned place = placeOfBit(uint64_t{1} << (16 * lane + word));
      places.insert(place);
      EXPECT_EQ(tagPosition(place), 4 * word + lane);
    }
  EXPECT_EQ(places.size(), kWays);
  EXPECT_EQ(*places.rbegin(), kWays - 1);
}

TEST(KeyedTable, BucketsAreWholeLines) {
  struct {
    KeyType type;
    unsigned columns, bytes;
  } cases[] = {{{{KeyKind::Port}}, 1, 256},
               {{{KeyKind::Ipv4}}, 1, 256},
               {{{KeyKind::Mac}}, 1, 320},
               {{{KeyKind::Ip}}, 1, 448},
               {{{KeyKind::Ip}}, 2, 576},
               {{{KeyKind::Ip, KeyKind::Port}}, 1, 576},
               {{{KeyKind::Ip, KeyKind::Ip, KeyKind::Port}}, 1, 960}};
  for (const auto& one : cases)
    EXPECT_EQ(tableLayout(one.type, one.columns).bucketBytes(), one.bytes) << keyTypeName(one.type);
}

TEST(KeyedTable, KeysComeBackAsTheyWere) {
  struct {
    KeyType type;
    const char* text;
  } cases[] = {{{{KeyKind::Ip}}, "192.0.2.1"},
               {{{KeyKind::Ip}}, "2001:db8::1"},
               {{{KeyKind::IpPrefix}}, "192.0.2.0/24"},
               {{{KeyKind::IpPrefix}}, "2001:db8::/32"},
               {{{KeyKind::IpPrefix}}, "::/0"},
               {{{KeyKind::Ipv4Prefix}}, "10.0.0.0/8"},
               {{{KeyKind::Ipv6Prefix}}, "2001:db8::/64"},
               {{{KeyKind::Ipv4}}, "255.255.255.255"},
               {{{KeyKind::Ipv6}}, "::ffff:192.0.2.1"},
               {{{KeyKind::Mac}}, "02:00:5e:00:53:ff"},
               {{{KeyKind::U64}}, "18446744073709551615"},
               {{{KeyKind::Port, KeyKind::Ip, KeyKind::Mac, KeyKind::U8}}, "(443, 192.0.2.1, 02:00:5e:00:53:01, 6)"},
               {{{KeyKind::Ip, KeyKind::Ip, KeyKind::Port, KeyKind::Port}}, "(192.0.2.1, 2001:db8::1, 1, 2)"},
               {{{KeyKind::Ip, KeyKind::Ip, KeyKind::Port}}, "(2001:db8::1, 192.0.2.1, 65535)"}};
  for (const auto& one : cases) {
    const auto value = parseKey(one.type, one.text);
    ASSERT_TRUE(value.ok()) << one.text;
    const TableKey key = packKey(one.type, *value);
    EXPECT_EQ(key.words.size(), tableLayout(one.type, 1).key_words) << one.text;
    EXPECT_EQ(formatKey(one.type, unpackKey(one.type, key)), one.text);
  }
}

TEST(KeyedTable, FamiliesAndLengthsAreApart) {
  const KeyType type{{KeyKind::IpPrefix}};
  std::set<std::pair<uint8_t, std::vector<uint64_t>>> keys;
  for (const char* text : {"10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "0.0.0.0/0", "::/0", "::a00:0", "0:0:a00::/64"}) {
    const TableKey key = packKey(type, *parseKey(type, text));
    EXPECT_TRUE(keys.insert({key.form, key.words}).second) << text;
  }
}

TEST(KeyedTable, CapacityIsRoundedUp) {
  EXPECT_EQ(bucketsFor(1), 1u);
  EXPECT_EQ(bucketsFor(16), 1u);
  EXPECT_EQ(bucketsFor(17), 2u);
  EXPECT_EQ(bucketsFor(32), 2u);
  EXPECT_EQ(bucketsFor(33), 3u);
  EXPECT_EQ(bucketsFor(1'000'000), 76'924u);
}

TEST(KeyedTable, KeysGoIntoTwoDifferentBuckets) {
  const HashKeys keys = hashKeys(kTestSeed);
  const KeyType type{{KeyKind::Ipv4}};
  std::vector<unsigned> first(10), second(10);
  for (uint32_t i = 0; i < 10'000; ++i) {
    Address address;
    for (unsigned byte = 0; byte < 4; ++byte)
      address.bytes[3 - byte] = static_cast<uint8_t>(i >> 8 * byte);
    const auto at = placeKey(hashKey(keys, packKey(type, {Prefix{address, 32}})), 10);
    ASSERT_LT(at.buckets[0], 10u);
    ASSERT_LT(at.buckets[1], 10u);
    ASSERT_NE(at.buckets[0], at.buckets[1]);
    ASSERT_EQ(at.tag & 0x8001, 1);
    ++first[at.buckets[0]];
    ++second[at.buckets[1]];
  }
  for (unsigned i = 0; i < 10; ++i) {
    EXPECT_NEAR(first[i], 1'000, 150);
    EXPECT_NEAR(second[i], 1'000, 150);
  }
}

} // namespace
} // namespace xdpc::abi
