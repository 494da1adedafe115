// Frames cut at every length.
#include "tests/differential/cuts.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::differential {

namespace {

constexpr size_t kHeadersAtOnce = 3;

// Asks for some of the headers and for what the parse finds, a rule each.
PolicyText asking(const Vocabulary& words, size_t first) {
  PolicyText policy;
  policy.declarations = {"counter all", "event last { ip.src, ip.proto, l4.dport, pkt.len }"};
  const auto headers = words.headers();
  for (size_t i = first; i < std::min(headers.size(), first + kHeadersAtOnce); ++i)
    policy.rules.push_back(fmt::format("is_{0}: count all when {0}", words.header(headers[i]).name));
  policy.rules.push_back("malformed: when pkt.malformed { emit last; drop }");
  policy.rules.push_back("unparsed: when pkt.unparsed { emit last; abort }");
  policy.rules.push_back("payload: pass when l4.payload_len > 3");
  policy.rules.push_back("rest: when ip.len > 50 { emit last; tx }");
  return policy;
}

// Writes to all that is there, and sends on what is long. All of it in one policy would be too large a program.
const std::vector<std::vector<std::string>> kRewriting = {
    {"network: when ip { (ip.src, ip.dst) = (ip.dst, ip.src); ip.ttl = ip.ttl - 1; count all }",
     "ports: when tcp { (tcp.sport, tcp.dport) = (tcp.dport, tcp.sport); tcp.seq = tcp.seq + 77 }",
     "size: when tcp.mss > 1400 { tcp.mss = 1400 }", "payload: drop when l4.payload contains x\"01\" within 20",
     "on_cpu: when ip.len > 60 { push vlan(id = 7); redirect to cpus 0-3 }"},
    {"names: when udp { udp.sport = udp.sport + 1; dns.id = dns.id + udp.dport }",
     "icmp: when icmp or icmp6 { icmp.type = 0; icmp6.id = icmp6.id + 1 }",
     "arp: when arp { (arp.sender_ip, arp.target_ip) = (arp.target_ip, arp.sender_ip) }",
     "tag: when vlan.id == 0 { vlan.pcp = 5; vlan.inner.vlan.id = 4095 }", "strip: when vlan { pop vlan; tx }"},
    {"key: when gre.key == 5 { gre.key = 6; gre.inner.ip.ttl = 3 }",
     "inner: when vxlan { vxlan.vni = 7; (vxlan.inner.ip.src, vxlan.inner.tcp.dport) = (vxlan.inner.ip.dst, 1) }",
     "strip: when vlan { pop vlan; tx }"},
    {"in_ip: when ip.inner.ip { ip.inner.ip.ttl = 7; ip.inner.tcp.flags = 0x12 }",
     "on_cpu: when ip.len > 60 { push vlan(id = 7); redirect to cpus 0-3 }"}};

const std::vector<std::string> kClean = {
    "ipv4/tcp/payload(9)",
    "ipv6/tcp/payload(9)",
    "vlan/ipv4/udp/payload(5)",
    "vlan/vlan/ipv6/udp/dns",
    "ipv4/udp(dport = 53)/dns/payload(4)",
    "ipv6/hopbyhop/destination/routing/udp/payload(4)",
    "ipv6/fragment/udp/payload(8)",
    "ipv6/fragment(offset = 9)/payload(16)",
    "ipv4(fragment_offset = 9)/payload(16)",
    "ipv6/hopbyhop/fragment(more_fragments = 1)/icmp6",
    "ipv4/icmp/payload(3)",
    "ipv4/sctp/payload(3)",
    "arp",
    "vlan/vlan/vlan/ipv4/udp",
    "mpls/mpls/ipv6/udp/payload(2)",
    "pppoe/ipv4/tcp/payload(2)",
    "ipv4/gre(key = 5)/ipv4/udp",
    "ipv4/udp/vxlan/eth/ipv4/tcp",
    "ipv4/ah4/tcp",
    "ipv4/ah4/ipv4/tcp",
    "ipv6/ah6/udp",
    "ipv4/ipv4/tcp",
    "ipv4/udp/geneve/ipv6/udp",
    "ipv6/udp/gtpu/ipv4/tcp",
    "ipv6/tcp(mss = 1460, wscale = 7)/payload(3)",
};

// Headers of a policy's own, hung under those that are there.
const std::vector<std::string> kOwnHeaders = {
    "header probe { kind: u8; value: u16 }",
    "header sized { kind: u8; words: u8; more: u8 when kind == 2; last: u8 when more > 5; size words * 4 }",
    "extend ipv4 { payload by proto { 200 => probe, 201 => sized } }",
    "extend ipv6 { payload by next_header { 200 => probe }; payload by next_header when ttl > 9 { 201 => sized } }",
    "extend eth { payload by type { 0x9999 => probe } }",
    "counter all"};

const std::vector<std::string> kAskingOwn = {"unparsed: when pkt.unparsed { count all; abort }",
                                             "malformed: drop when pkt.malformed",
                                             "kind: tx when probe.kind == 3 and not ip",
                                             "probe: drop when probe.kind == 3",
                                             "last: tx when sized.last == 7",
                                             "sized: abort when sized",
                                             "protocol: tx when ip.proto == 200"};

const std::vector<std::string> kCleanOwn = {
    "probe(kind = 3)",
    "vlan/probe(kind = 3)",
    "vlan/vlan/probe(kind = 3)",
    "vlan/vlan/vlan/probe(kind = 3)",
    "ipv4/probe(kind = 3)",
    "ipv4(fragment_offset = 9, proto = 200)/payload(8)",
    "ipv6/probe(kind = 3)",
    "ipv6/destination/probe(kind = 3)",
    "ipv6/hopbyhop/routing/ah6/probe(kind = 4)/payload(3)",
    "ipv6/fragment(offset = 9, next_header = 200)/payload(8)",
    "ipv4/sized(kind = 2, more = 6, last = 7)/payload(2)",
    "ipv6/destination/sized(kind = 2, more = 6, last = 7)/payload(2)",
    "ipv6(ttl = 9)/destination/sized(kind = 2)",
};

constexpr uint8_t kBehind[] = {0x00, 0xff, 0x41};

std::vector<Frame> cutAndPadded(const std::vector<std::string>& clean, const std::string& declarations) {
  std::vector<Frame> all;
  const auto frames = buildFrames(clean, declarations);
  for (size_t i = 0; i < frames.size(); ++i) {
    for (size_t length = 14; length <= frames[i].size(); ++length) {
      Frame frame{fmt::format("{} truncate {}", clean[i], length), {frames[i]}};
      frame.input.frame.resize(length);
      all.push_back(std::move(frame));
    }
    for (const uint8_t byte : kBehind) {
      Frame frame{fmt::format("{} with {:#x} behind it", clean[i], byte), {frames[i]}};
      frame.input.frame.resize(frames[i].size() + 33, byte);
      all.push_back(std::move(frame));
    }
  }
  return all;
}

} // namespace

std::vector<Case> cutCases(const Vocabulary& words) {
  const std::vector<Frame> all = cutAndPadded(kClean, "");
  std::vector<Case> cases;
  for (size_t first = 0; first < words.headers().size(); first += kHeadersAtOnce)
    cases.push_back({fmt::format("cut at every length, headers from {}", first), asking(words, first), all});
  for (const std::vector<std::string>& rules : kRewriting)
    cases.push_back({"cut at every length and rewritten", {{"counter all"}, rules}, all});
  cases.push_back({"cut at every length, headers of its own",
                   {kOwnHeaders, kAskingOwn},
                   cutAndPadded(kCleanOwn, fmt::format("{}", fmt::join(kOwnHeaders, "\n")))});
  return cases;
}

bool paddingIsIgnored(const Case& cuts) {
  const auto compiled = check(cuts.policy.text());
  Inputs inputs;
  for (const Frame& frame : cuts.frames)
    inputs.push_back(frame.input);
  const Trace trace = traceOracle(compiled->policy, inputs);
  bool ignored = true;
  const Seen* whole = nullptr; // of the frame that the padded ones follow
  for (size_t i = 0; i < cuts.frames.size(); ++i) {
    const Seen& seen = trace.packets[i];
    if (!cuts.frames[i].text.ends_with("behind it"))
      whole = &seen;
    else if (seen.verdict != whole->verdict || seen.held != whole->held) {
      fmt::print("{}: {} by {}, without them {} by {}\n", cuts.frames[i].text, seen.verdict, seen.rule, whole->verdict,
                 whole->rule);
      ignored = false;
    }
  }
  return ignored;
}

} // namespace xdpc::differential
