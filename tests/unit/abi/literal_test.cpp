// runtime/abi/literal.h: addresses, prefixes and MACs, and what their errors say.
#include "runtime/abi/literal.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace xdpc::abi {
namespace {

struct Wrong {
  const char *text, *message, *fixit, *code;
};

template <class T> void expectErrors(Literal<T> (*parse)(std::string_view), std::initializer_list<Wrong> cases) {
  for (const Wrong& wrong : cases) {
    const auto result = parse(wrong.text);
    ASSERT_FALSE(result.ok()) << wrong.text;
    EXPECT_EQ(result.error().message, wrong.message);
    EXPECT_EQ(result.error().fixit, wrong.fixit);
    EXPECT_EQ(result.error().code, wrong.code);
  }
}

TEST(ParseAddress, SaysWhatIsWrong) {
  const char* code = "bad-address";
  expectErrors(
      parseAddress,
      {
          {"", "an address is missing", "", code},
          {"192.0.2.256", "`192.0.2.256` is not an IPv4 address: `256` is greater than 255", "", code},
          {"192.0.2", "`192.0.2` has 3 numbers, an IPv4 address has 4", "", code},
          {"1.2.3.4.5", "`1.2.3.4.5` has 5 numbers, an IPv4 address has 4", "", code},
          {"192.0.02.1", "`192.0.02.1` has a leading zero in `02`, which some tools read as octal", "", code},
          {"192.0..1", "`192.0..1` is not an IPv4 address", "", code},
          {"1.2.3.99999999999999999999",
           "`1.2.3.99999999999999999999` is not an IPv4 address: `99999999999999999999` "
           "is greater than 255",
           "", code},
          {"example", "`example` is not an address", "", code},
          {"443", "`443` is not an address", "", code},
          {"192.0.2.0/24", "`192.0.2.0/24` is a prefix, not an address", "192.0.2.0", code},
          {"fe80::1%eth0", "`fe80::1%eth0` carries a zone, which packets do not", "fe80::1", code},
          {"1::2::3", "`1::2::3` is not an IPv6 address: it has two `::`", "", code},
          {"1:2:3:4:5:6:7:8:9", "`1:2:3:4:5:6:7:8:9` has 9 groups, an IPv6 address has 8", "", code},
          {"1:2:3:4::5:6:7:8",
           "`1:2:3:4::5:6:7:8` is not an IPv6 address: `::` stands for no group, as there are 8 "
           "already",
           "", code},
          {"12345::", "`12345::` is not an IPv6 address: `12345` has more than four digits", "", code},
          {"1:g::", "`1:g::` is not an IPv6 address: `g` is not a hexadecimal group", "", code},
          {":1::", "`:1::` is not an IPv6 address: a `:` stands alone", "", code},
          {"02:00:5e:00:53:01", "`02:00:5e:00:53:01` is a MAC address, not an IP address", "", code},
          {"::1.2.3", "`::1.2.3` is not an IPv6 address: `1.2.3` has 3 numbers, an IPv4 address has 4", "", code},
      });
}

// Every text up to six characters of a small alphabet: accepted by us exactly when inet_pton accepts it.
TEST(ParseAddress, IsAsStrictAsTheLibrary) {
  const std::string alphabet = ":.1f0";
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i];
    in6_addr v6{};
    in_addr v4{};
    const bool library = inet_pton(AF_INET6, text.c_str(), &v6) == 1 || inet_pton(AF_INET, text.c_str(), &v4) == 1;
    ASSERT_EQ(parseAddress(text).ok(), library) << text;
    if (text.size() < 7)
      for (char c : alphabet)
        texts.push_back(text + c);
  }
}

TEST(ParsePrefix, TakesAddressesAsFullLength) {
  EXPECT_EQ(parsePrefix("192.0.2.7")->length, 32);
  EXPECT_EQ(parsePrefix("2001:db8::1")->length, 128);
  EXPECT_EQ(parsePrefix("0.0.0.0/0")->length, 0);
  EXPECT_EQ(parsePrefix("2001:db8::/32")->length, 32);
}

TEST(ParsePrefix, SaysWhatIsWrong) {
  expectErrors(
      parsePrefix,
      {
          {"192.0.2.1/24", "`192.0.2.1/24` has host bits set behind /24", "192.0.2.0/24", "host-bits"},
          {"2001:db8::1/64", "`2001:db8::1/64` has host bits set behind /64", "2001:db8::/64", "host-bits"},
          {"10.0.0.0/33", "`10.0.0.0/33` is not a prefix: `/33` is longer than an IPv4 address, which has 32 bits", "",
           "bad-address"},
          {"::/129", "`::/129` is not a prefix: `/129` is longer than an IPv6 address, which has 128 bits", "",
           "bad-address"},
          {"10.0.0.0/", "`10.0.0.0/` is not a prefix: `/` is not a length", "", "bad-address"},
          {"10.0.0.0/08", "`10.0.0.0/08` is not a prefix: `/08` is not a length", "", "bad-address"},
          {"10.0.0.0/8/8", "`10.0.0.0/8/8` is not a prefix: `/8/8` is not a length", "", "bad-address"},
          {"/8", "an address is missing", "", "bad-address"},
      });
}

TEST(ParseMac, TakesSixPairs) {
  EXPECT_EQ(toString(*parseMac("02:00:5E:00:53:01")), "02:00:5e:00:53:01");
  const auto dashes = parseMac("02-00-5e-00-53-01");
  ASSERT_FALSE(dashes.ok());
  EXPECT_EQ(dashes.error().fixit, "02:00:5e:00:53:01");
  for (const char* text : {"", "02:00:5e:00:53", "02:00:5e:00:53:1", "02:00:5e:00:53:0g", "02:00:5e:00:53:01:02"})
    EXPECT_FALSE(parseMac(text).ok()) << text;
}

} // namespace
} // namespace xdpc::abi
