// Policies with words taken out, doubled and exchanged: nothing crashes, and there is a policy exactly when there is no
// error.
#include "tests/unit/sema/support.h"

#include <random>

namespace xdpc {
namespace {

constexpr const char* kPolicy = R"(
const mgmt = { 192.0.2.0/24, 2001:db8:42::/48 }
const web  = { 80, 443, 8000-8099 }
const fresh = tcp.syn and not tcp.ack
set banned of ip.prefix { capacity 100k  timeout 1h  when full refuse }
set pairs of (ip, port) = { (192.0.2.7, 443), (::1, 1-3) }
counter total
counter by_net { per ip.src/24/64, ip.proto  capacity 64k }
meter syn_rate { rate 200 pps burst 400  per ip.src/24/64  capacity 1M }
event flood { ip.src, ip.dst, l4.dport, pkt.len }
header hello { a: u8 { b: u4  c: u4 } d: u16  e = d + 1
 size a * 4 }
extend udp { payload by dport { 7777 => hello } }
policy p {
    neighbors: pass when arp or nd
    listed:    drop when ip.src in banned or (ip.src, l4.dport) in pairs
    bogus:     drop when pkt.malformed and hello.e == 5
    ssh:       pass when tcp.dport == 22 and ip.src in mgmt
    syn_flood: when fresh over syn_rate {
        add ip.src to banned for 10m
        emit flood sample 1/100
        count by_net
        when tcp.dport not in web { count total; drop } else { remove ip.src from banned }
        drop
    }
    web:       pass when tcp.dport in web and ip.ttl + 1 > 5 within 10 Mbps burst 64KiB per ip.dst
    default drop
}
protect "x" { never drop when tcp.dport == 22 }
test "t" {
    given banned = { 198.51.100.0/24 }
    expect pass by ssh for vlan(id = 7)/ipv4(src = 192.0.2.9, ttl = 5)/tcp(dport = 22, syn = 1) times 3
    expect drop for ipv6/hopbyhop/fragment(offset = 1)/udp(sport = 53)/dns(qr = 1)/payload("abc") truncate 60
    wait 1s
    expect counter by_net[192.0.2.9, 6] == 3
    expect banned has 198.51.100.0/24
    expect event flood == 1
}
)";

std::vector<std::string> words() {
  std::vector<std::string> out;
  const auto kind = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':';
  };
  for (const char* at = kPolicy; *at;) {
    const char* end = at + 1;
    while (kind(*at) && kind(*end))
      ++end;
    out.emplace_back(at, end);
    at = end;
  }
  return out;
}

void mutate(std::vector<std::string>& text, std::mt19937& random) {
  const size_t a = random() % text.size(), b = random() % text.size();
  switch (random() % 5) {
  case 0:
    text.erase(text.begin() + static_cast<ptrdiff_t>(a));
    break;
  case 1:
    text.insert(text.begin() + static_cast<ptrdiff_t>(a), text[b]);
    break;
  case 2:
    std::swap(text[a], text[b]);
    break;
  case 3:
    text[a] = text[b];
    break;
  default: {
    static const char* const others[] = {"tcp",     "ip.src", "4294967296", "-1",  "::/0", "18446744073709551615",
                                         "0",       "not ",   "banned",     "web", "u8",   "( ",
                                         "pkt.len", "1/0"};
    text[a] = others[random() % std::size(others)];
  }
  }
}

TEST(Mutations, neverCrash) {
  accept(kPolicy);
  std::mt19937 random(20);
  for (int round = 0; round < 600; ++round) {
    std::vector<std::string> text = words();
    for (unsigned i = 0; i <= round % 4u; ++i)
      mutate(text, random);
    std::string joined;
    for (const std::string& word : text)
      joined += word;
    const Checked checked = check(joined);
    ASSERT_EQ(checked.policy.has_value(), !checked.emitter->hasErrors()) << joined;
    if (checked.policy)
      ir::toText(*checked.policy);
  }
}

} // namespace
} // namespace xdpc
