// Frames that tests send, byte by byte; checksums by a function of their own that knows nothing of layers.
#include "tests/unit/sema/support.h"

#include <fmt/format.h>

namespace xdpc {
namespace {

using Frame = std::vector<uint8_t>;

ir::TestStep build(const std::string& packet) {
  const Checked checked = accept("policy p { default pass }\ntest \"t\" {\nexpect pass for " + packet + "\n}\n");
  if (checked.policy->tests.empty() || checked.policy->tests[0].steps.empty())
    return {};
  return checked.policy->tests[0].steps[0];
}

std::string hex(const Frame& frame) {
  std::string out;
  for (uint8_t byte : frame)
    out += fmt::format("{:02x}", byte);
  return out;
}

const std::string kEth = "02005e00530202005e005301";
const std::string kAddresses4 = "c6336401cb007101";
const std::string kAddresses6 = "20010db800010000000000000000000120010db8000200000000000000000001";

TEST(Packet, bytes) {
  const std::pair<const char*, std::string> cases[] = {
      {"eth(type = 0xffff)/payload(4)", kEth + "ffff00000000"},
      {"payload(\"hi\")", kEth + "88b56869"},
      {"eth(src = 02:00:00:00:00:07)", "02005e00530202000000000788b5"},
      {"raw(x\"00 01 02 03 04 05 06 07 08 09 0a 0b 08 00\")", "000102030405060708090a0b0800"},
      {"arp", kEth + "0806000108000604000102005e005301c6336401000000000000cb007101"},
      {"ipv4", kEth + "080045000014000000004" + "0fd13b7" + kAddresses4},
      {"ipv4/icmp", kEth + "08004500001c00000000400114ab" + kAddresses4 + "0800f7ff00000000"},
      {"ipv4/tcp(dport = 22, syn = 1)",
       kEth + "0800450000280000000040061" + "49a" + kAddresses4 + "c0000016000000000000000050020000" + "89950000"},
      {"ipv4/udp(sport = 53)/dns(qr = 1, rcode = 3)/payload(\"hi\")", kEth + "08004500002a000000004011148d" +
                                                                          kAddresses4 + "003500090016" + "b0e0" +
                                                                          "00008003000000000000000" + "06869"},
      {"ipv4/udp/dns",
       kEth + "080045000028000000004011148f" + kAddresses4 + "c00000350014d959" + "000000000000000000000000"},
      {"ipv6/icmp6", kEth + "86dd6000000000083a40" + kAddresses6 + "8000244600000000"},
      {"ipv6(dscp = 46, ecn = 1, flow_label = 0x12345)/udp/payload(3)",
       kEth + "86dd6b912345000b1140" + kAddresses6 + "c0000009000be457000000"},
      {"ipv6/hopbyhop/fragment(more_fragments = 1, id = 7)/udp",
       kEth + "86dd6000000000180040" + kAddresses6 + "2c00000000000000" + "1100000100000007" + "c00000090008e45d"},
      {"ipv6/routing/destination/tcp", kEth + "86dd6000000000242b40" + kAddresses6 + "3c00000000000000" +
                                           "0600000000000000" + "c0000009000000000000000050000000946" + "40000"},
      {"vlan(id = 5)/vlan(id = 13, pcp = 7)/ipv4(proto = 47)",
       kEth + "810000058100e00d0800" + "4500001400000000402f1485" + kAddresses4},
      {"ipv4(ihl = 7)/sctp(tag = 7)",
       kEth + "080047000028000000004084121c" + kAddresses4 + "0000000000000000" + "c000000900000007123fb262"},
      {"ipv4(total_length = 10, ihl = 3)/tcp(data_offset = 2)",
       kEth + "08004300000a00000000400616b8" + kAddresses4 + "c000000900000000000000002000" + "0000b9a40000"},
      {"ipv4(checksum = 1)/udp(checksum = 0, len = 4)",
       kEth + "08004500001c0000000040110001" + kAddresses4 + "c000000900040000"},
      {"ipv4/udp/payload(10) truncate 30", kEth + "080045000026000000004011" + "1491c6336401"},
  };
  for (const auto& [packet, bytes] : cases)
    EXPECT_EQ(hex(build(packet).frame), bytes) << packet;
}

// RFC 1071 over the words from `at`, beginning with `sum`: 0xffff where the checksum in it is right.
uint32_t sumOf(const Frame& frame, size_t at, size_t end, uint32_t sum = 0) {
  for (size_t i = at; i < end; i += 2)
    sum += frame[i] * 256u + (i + 1 < end ? frame[i + 1] : 0);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

TEST(Packet, checksumsAreRight) {
  for (const char* payload : {"", "/payload(1)", "/payload(\"abc\")", "/payload(1400)"})
    for (const char* transport : {"tcp(syn = 1)", "udp"}) {
      const Frame v4 = build(std::string("ipv4/") + transport + payload).frame;
      EXPECT_EQ(sumOf(v4, 14, 34), 0xffffu);
      EXPECT_EQ(sumOf(v4, 26, v4.size(), static_cast<uint32_t>(v4.size()) - 34 + v4[23]), 0xffffu)
          << transport << payload;
      const Frame v6 = build(std::string("ipv6/") + transport + payload).frame;
      EXPECT_EQ(sumOf(v6, 22, v6.size(), static_cast<uint32_t>(v6.size()) - 54 + v6[20]), 0xffffu)
          << transport << payload;
    }
}

TEST(Packet, udpChecksumOfZeroIsSentAsOnes) {
  // The payload is the complement of the sum without it.
  const Frame frame = build("ipv4/udp/raw(x\"d9 98\")").frame;
  const uint32_t rest = sumOf(frame, 26, 40, static_cast<uint32_t>(frame.size()) - 34 + 17);
  const uint32_t word = 0xffff - sumOf(frame, 42, 44, rest);
  const uint32_t payload = (0xd998 + word) % 0xffff;
  const Frame zero = build(fmt::format("ipv4/udp/raw(x\"{:02x} {:02x}\")", payload >> 8, payload & 0xff)).frame;
  EXPECT_EQ(hex(zero).substr(80, 4), "ffff");
}

TEST(Packet, aGivenSelectorIsKept) {
  const Frame frame = build("ipv4/udp(sport = 53)/dns").frame;
  EXPECT_EQ(hex(frame).substr(68, 8), "00350009"); // dport stays 9: sport selects already
  EXPECT_EQ(hex(build("ipv4/udp(sport = 1, dport = 2)/dns").frame).substr(68, 8), "00010002");
  EXPECT_EQ(hex(build("eth(type = 0x88a8)/vlan(id = 1)/ipv4").frame).substr(24, 4), "88a8");
}

TEST(Packet, fragmentsKeepTheirTransport) {
  EXPECT_EQ(hex(build("ipv4(fragment_offset = 64)/tcp(dport = 22)").frame).substr(40, 8), "00404006");
  EXPECT_EQ(hex(build("ipv6/fragment(offset = 2)/tcp").frame).substr(108, 16), "0600001000000000");
}

TEST(Packet, partsAndWholesBothWrite) {
  EXPECT_EQ(hex(build("ipv4/tcp(syn = 1, flags = 0x10)").frame).substr(94, 2), "12");
  EXPECT_EQ(hex(build("ipv4(dscp = 46, ecn = 1)").frame).substr(30, 2), "b9");
  EXPECT_EQ(hex(build("ipv4(dont_fragment = 1)").frame).substr(40, 4), "4000");
}

TEST(Packet, interfaceAndQueue) {
  const ir::TestStep step = build("pkt(ifindex = 3, rx_queue = 2)/ipv4/udp");
  EXPECT_EQ(step.ifindex, 3u);
  EXPECT_EQ(step.rx_queue, 2u);
  EXPECT_EQ(build("ipv4/udp").ifindex, 1u);
}

TEST(Packet, headersOfTheFile) {
  const Checked checked = accept("header hello { a: u8; b: u24; size a }\n"
                                 "extend udp { payload by dport { 7777 => hello } }\n"
                                 "policy p { default pass }\n"
                                 "test \"t\" { expect pass for ipv4/udp/hello(a = 6, b = 0x010203) }\n");
  ASSERT_EQ(checked.policy->tests.size(), 1u);
  const std::string text = hex(checked.policy->tests[0].steps[0].frame);
  EXPECT_EQ(text.substr(72, 8), "1e61000e");
  EXPECT_EQ(text.substr(84), "060102030000");
}

} // namespace
} // namespace xdpc
