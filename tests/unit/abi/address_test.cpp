// runtime/abi/address.h: masks, containment, RFC 5952 text.
#include "runtime/abi/literal.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace xdpc::abi {
namespace {

Address address(const char* text) {
  return parseAddress(text).value();
}
Prefix prefix(const char* text) {
  return parsePrefix(text).value();
}

TEST(Address, PrintsAsRfc5952) {
  const std::pair<const char*, const char*> cases[] = {
      {"2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // one zero group is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // the first of equal ones
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"192.0.2.1", "192.0.2.1"},
  };
  for (const auto& [text, printed] : cases)
    EXPECT_EQ(toString(address(text)), printed);
}

TEST(Address, AgreesWithTheLibraryOnRandomAddresses) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    Address a{Family::v6, {}};
    for (size_t g = 0; g < 16; g += 2)
      if (random() % 2) // zero groups are what is hard
        a.bytes[g] = static_cast<uint8_t>(random() % 3), a.bytes[g + 1] = static_cast<uint8_t>(random());
    in6_addr parsed{};
    const std::string text = toString(a);
    ASSERT_EQ(inet_pton(AF_INET6, text.c_str(), &parsed), 1) << text;
    ASSERT_EQ(memcmp(&parsed, a.bytes.data(), 16), 0) << text;
    ASSERT_EQ(address(text.c_str()), a);
  }
}

TEST(Address, MasksAtEveryBit) {
  const Address ones = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(toString(maskAddress(ones, 0)), "::");
  EXPECT_EQ(toString(maskAddress(ones, 1)), "8000::");
  EXPECT_EQ(toString(maskAddress(ones, 47)), "ffff:ffff:fffe::");
  EXPECT_EQ(maskAddress(ones, 128), ones);
  EXPECT_EQ(toString(maskAddress(address("10.1.2.255"), 25)), "10.1.2.128");
  EXPECT_EQ(toString(maskAddress(address("10.1.2.255"), 32)), "10.1.2.255");
}

TEST(Prefix, CoversWithinItsFamily) {
  EXPECT_TRUE(covers(prefix("10.0.0.0/8"), address("10.255.0.1")));
  EXPECT_FALSE(covers(prefix("10.0.0.0/8"), address("11.0.0.1")));
  EXPECT_TRUE(covers(prefix("0.0.0.0/0"), address("11.0.0.1")));
  EXPECT_FALSE(covers(prefix("::/0"), address("11.0.0.1")));
  EXPECT_FALSE(covers(prefix("0.0.0.0/0"), address("::1")));
  EXPECT_TRUE(covers(prefix("10.0.0.0/8"), prefix("10.1.0.0/16")));
  EXPECT_TRUE(covers(prefix("10.0.0.0/8"), prefix("10.0.0.0/8")));
  EXPECT_FALSE(covers(prefix("10.1.0.0/16"), prefix("10.0.0.0/8")));
}

TEST(Prefix, PrintsItsLength) {
  EXPECT_EQ(toString(prefix("192.0.2.1")), "192.0.2.1/32");
  EXPECT_EQ(toString(prefix("2001:db8::/32")), "2001:db8::/32");
}

} // namespace
} // namespace xdpc::abi
