// The whole of two policies as --emit=ir shows them: what matters of it.
#include "tests/unit/sema/support.h"

namespace xdpc {
namespace {

void expectLines(const std::string& text, std::initializer_list<const char*> lines) {
  for (const char* line : lines)
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(Ir, webEdge) {
  const Checked checked = accept(R"(
const mgmt = { 192.0.2.0/24, 2001:db8:42::/48 }
const web  = { 80, 443, 8000-8099 }
set banned of ip.prefix { capacity 100k  timeout 1h }
meter syn_rate { rate 200 pps burst 400  per ip.src/24/64  capacity 1M }
event flood { ip.src, ip.dst, l4.dport, pkt.len }
policy web_edge {
    neighbors: pass when arp or nd
    listed:    drop when ip.src in banned
    bogus:     drop when pkt.malformed
    ssh:       pass when tcp.dport == 22 and ip.src in mgmt
    syn_flood: when tcp.syn and not tcp.ack over syn_rate {
        add ip.src to banned for 10m
        emit flood sample 1/100
        drop
    }
    dns_amp:   drop when udp.sport == 53 and l4.payload_len > 512 and dns.qr
    web:       pass when tcp.dport in web
    default drop
}
)");
  expectLines(ir::toText(*checked.policy),
              {"policy web_edge", "const#0 of u8 = { 133-137 }", "const#2 web of port = { 80, 443, 8000-8099 }",
               "set banned of ip.prefix capacity 100000 timeout 1h added by policy lengths v4/32 v6/128",
               "meter syn_rate rate 200 pps burst 400 per ip.src/24/64 of ip.prefix capacity 1000000 when full evict",
               "rule bogus when pkt.malformed",
               "rule ssh when ((present(tcp) and (tcp.dport == 22)) and (present(ip) and (ip.src in const#1 mgmt)))",
               "rule syn_flood when (((present(tcp) and tcp.syn) and not (present(tcp) and tcp.ack)) and present(ip)) "
               "over syn_rate",
               "  add ip.src to banned for 10m needs ip", "  emit flood sample 1/100", "rule default",
               "header ip = ipv4 | ipv6"});
}

TEST(Ir, synCounter) {
  const Checked checked = accept(R"(
counter syns_per_source { per ip.src  capacity 64k }
policy syn_counter {
    syn: when tcp.syn and not tcp.ack {
        count syns_per_source
        pass
    }
    default pass
}
)");
  const std::string text = ir::toText(*checked.policy);
  EXPECT_EQ(text.substr(0, text.find("  version: u4 bit")), R"(policy syn_counter
counter syns_per_source per ip.src of ip capacity 64000
rule syn when ((present(tcp) and tcp.syn) and not (present(tcp) and tcp.ack))
  count syns_per_source key ip.src needs ip
  pass
rule default
  pass
header ip = ipv4 | ipv6
  version: u4
  dscp: u6
  ecn: u2
  ttl: u8
  proto: u8
  src: ip
  dst: ip
  len: u17
  fragment: bool
header ipv4
)");
}

TEST(Ir, isStable) {
  const std::string text = "policy p { a: drop when ip.src in { 10.0.0.0/8 } and tcp\ndefault pass }\n";
  EXPECT_EQ(ir::toText(*accept(text).policy), ir::toText(*accept(text).policy));
}

} // namespace
} // namespace xdpc
