// Expressions: presence, types and folding, as the IR shows them.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

TEST(Expr, presenceIsExplicit) {
  EXPECT_EQ(conditionText("tcp.dport == 22"), "(present(tcp) and (tcp.dport == 22))");
  EXPECT_EQ(conditionText("not tcp.dport == 22"), "not (present(tcp) and (tcp.dport == 22))");
  EXPECT_EQ(conditionText("tcp.syn and not tcp.ack"),
            "((present(tcp) and tcp.syn) and not (present(tcp) and tcp.ack))");
  EXPECT_EQ(conditionText("arp or nd"), "(present(arp) or (present(icmp6) and (icmp6.type in const#0)))");
  EXPECT_EQ(conditionText("pkt.malformed"), "pkt.malformed");
  EXPECT_EQ(conditionText("pkt.len > 1KiB"), "(pkt.len > 1024)");
  EXPECT_EQ(conditionText("l4.payload_len > 512"), "(present(l4) and (l4.payload_len > 512))");
  EXPECT_EQ(conditionText("udp.len == ipv4.total_length"),
            "(present(ipv4) and present(udp) and (udp.len == ipv4.total_length))");
}

TEST(Expr, widthsAreMadeEqual) {
  EXPECT_EQ(conditionText("ip.ttl == udp.len"), "(present(ip) and present(udp) and (u16(ip.ttl) == udp.len))");
  EXPECT_EQ(conditionText("tcp.seq == u32(ipv4.dst)"),
            "(present(ipv4) and present(tcp) and (tcp.seq == u32(ipv4.dst)))");
  EXPECT_EQ(conditionText("ip.len - 20 < 48"), "(present(ip) and ((u64(ip.len) - 20) < 48))");
}

TEST(Expr, constantsAreFolded) {
  EXPECT_EQ(conditionText("tcp.dport == 2 * 8 + 6"), "(present(tcp) and (tcp.dport == 22))");
  EXPECT_EQ(conditionText("tcp.dport == (1 << 4) | 6"), "(present(tcp) and (tcp.dport == 22))");
  EXPECT_EQ(conditionText("tcp.seq == u32(192.0.2.1)"), "(present(tcp) and (tcp.seq == 3221225985))");
  EXPECT_EQ(conditionText("tcp.seq - 1 > -5"), "(present(tcp) and ((u64(tcp.seq) - 1) > -5))");
}

TEST(Expr, truthsCompareAsLogic) {
  EXPECT_EQ(conditionText("tcp.syn == 1"), "(present(tcp) and tcp.syn)");
  EXPECT_EQ(conditionText("tcp.syn == 0"), "(present(tcp) and not tcp.syn)");
  EXPECT_EQ(conditionText("tcp.syn == tcp.ack"),
            "(present(tcp) and ((tcp.syn and tcp.ack) or (not tcp.syn and not tcp.ack)))");
}

TEST(Expr, addressesKnowTheirFamily) {
  EXPECT_EQ(conditionText("ip.src == 192.0.2.1"), "(present(ip) and (ip.src == 192.0.2.1))");
  EXPECT_EQ(conditionText("ipv6.dst == ff02::1"), "(present(ipv6) and (ipv6.dst == ff02::1))");
  EXPECT_EQ(conditionText("ip.src/24/64 == ip.dst/24/64"), "(present(ip) and (ip.src/24/64 == ip.dst/24/64))");
  EXPECT_EQ(conditionText("eth.src == 02:00:5e:00:53:01"), "(present(eth) and (eth.src == 02:00:5e:00:53:01))");
}

TEST(Expr, unequalWarnsUnlessTheHeaderIsRequired) {
  EXPECT_EQ(absent("tcp.dport != 22"), 1u);
  EXPECT_EQ(absent("tcp and tcp.dport != 22"), 0u);
  EXPECT_EQ(absent("tcp.dport != 22 and tcp.syn"), 0u);
  EXPECT_EQ(absent("tcp.syn and (udp or tcp.dport != 22)"), 0u);
  EXPECT_EQ(absent("tcp or tcp.dport != 22"), 1u);
  EXPECT_EQ(absent("tcp.dport != 22 and tcp.dport != 23"), 2u);
  EXPECT_EQ(absent("not tcp and tcp.dport != 22"), 1u);
  EXPECT_EQ(absent("(tcp.syn or tcp.ack) and tcp.dport != 22"), 0u);
  EXPECT_EQ(absent("pkt.len != 5"), 0u);
}

TEST(Expr, aHeaderImpliesWhatItCanOnlyFollow) {
  EXPECT_EQ(absent("tcp and ip.src != 192.0.2.1"), 0u); // both ways to TCP lead through IP
  EXPECT_EQ(absent("tcp and l4.dport != 22"), 0u);      // TCP is one of l4
  EXPECT_EQ(absent("l4 and tcp.dport != 22"), 1u);      // l4 may be another
  EXPECT_EQ(absent("ip and ipv4.src != 192.0.2.1"), 1u);
  EXPECT_EQ(absent("icmp6 and ipv6.src != ::1"), 0u); // ICMPv6 follows IPv6 alone
  EXPECT_EQ(absent("dns.qr and udp.sport != 53"), 0u);
  EXPECT_EQ(absent("hopbyhop and ipv6.ttl != 1"), 0u);
}

TEST(Expr, bothFixItsOfUnequal) {
  const Checked checked = check(withCondition("tcp.dport not in { 22 }"));
  const auto& fixits = checked.emitter->diagnostics().at(0).fixits;
  ASSERT_EQ(fixits.size(), 2u);
  EXPECT_EQ(fixits[0].replacement, "tcp and tcp.dport not in { 22 }");
  EXPECT_EQ(fixits[1].replacement, "not tcp.dport in { 22 }");
}

TEST(Expr, longRowsNeedNoDepth) {
  std::string row = "tcp.dport == 1";
  for (int i = 0; i < 5000; ++i)
    row += " or tcp.dport == 2";
  accept(withCondition(row));
}

TEST(Expr, depthIsBounded) {
  std::string sum = "tcp.seq == 1";
  for (int i = 0; i < 2000; ++i)
    sum += " + tcp.seq";
  EXPECT_EQ(check(withCondition(sum)).count("too-deep"), 1u);
}

} // namespace
} // namespace xdpc
