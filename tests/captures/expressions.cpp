// The table. Where the condition does not read as the expression does, `why` says what the languages mean by it.
#include "tests/captures/expressions.h"

namespace xdpc::captures {

namespace {

constexpr const char* kProtocolOnly =
    "pcap-filter's `tcp` is IP's protocol number; in .xf a later fragment has no transport header";
constexpr const char* kV4Only = "pcap-filter reads transport bytes behind IPv4 alone";

} // namespace

const std::vector<Equivalence>& equivalences() {
  static const std::vector<Equivalence> table = {
      // protocols
      {"ip", "ipv4"},
      {"ip6", "ipv6"},
      {"arp", "arp"},
      {"not ip and not ip6", "not ip"},
      {"tcp", "ip.proto == 6", Frames::plain, kProtocolOnly},
      {"udp", "ip.proto == 17", Frames::plain, kProtocolOnly},
      {"sctp", "ip.proto == 132", Frames::plain, kProtocolOnly},
      {"icmp", "ipv4.proto == 1", Frames::plain, kProtocolOnly},
      {"icmp6", "ipv6.proto == 58", Frames::plain, kProtocolOnly},
      {"igmp", "ipv4.proto == 2"},
      {"pim", "ip.proto == 103"},
      {"ip proto 47", "ipv4.proto == 47"},
      {"ip proto 89 or ip6 proto 89", "ip.proto == 89"},
      {"ip6 proto 17", "ipv6.proto == 17"},
      {"not (tcp or udp)", "not ip.proto in { 6, 17 }"},
      // ports
      {"port 53", "l4.sport == 53 or l4.dport == 53"},
      {"src port 53", "l4.sport == 53"},
      {"dst port 80", "l4.dport == 80"},
      {"tcp port 443", "tcp.sport == 443 or tcp.dport == 443"},
      {"tcp dst port 22", "tcp.dport == 22"},
      {"udp port 123", "udp.sport == 123 or udp.dport == 123"},
      {"udp dst port 4789", "udp.dport == 4789"},
      {"sctp port 2905", "sctp.sport == 2905 or sctp.dport == 2905"},
      {"portrange 1-1023", "l4.sport in 1-1023 or l4.dport in 1-1023"},
      {"dst portrange 6000-7000", "l4.dport in 6000-7000"},
      {"udp src portrange 1024-65535", "udp.sport >= 1024"},
      {"tcp and not port 80", "ip.proto == 6 and not (l4.sport == 80 or l4.dport == 80)", Frames::plain, kProtocolOnly},
      {"ip and port 53", "ipv4 and (l4.sport == 53 or l4.dport == 53)"},
      {"ip6 and dst port 547", "ipv6 and l4.dport == 547"},
      // addresses
      {"ip host 192.168.1.1", "ipv4.src == 192.168.1.1 or ipv4.dst == 192.168.1.1"},
      {"host 198.51.100.1",
       "ip.src == 198.51.100.1 or ip.dst == 198.51.100.1 or arp.sender_ip == 198.51.100.1 or "
       "arp.target_ip == 198.51.100.1",
       Frames::plain, "pcap-filter's `host` looks into ARP as well"},
      {"arp host 198.51.100.1", "arp.sender_ip == 198.51.100.1 or arp.target_ip == 198.51.100.1"},
      {"ip src net 10.0.0.0/8", "ipv4.src in 10.0.0.0/8"},
      {"ip dst net 192.168.0.0/16", "ip.dst in 192.168.0.0/16"},
      {"ip net 172.16.0.0/12", "ip.src in 172.16.0.0/12 or ip.dst in 172.16.0.0/12"},
      {"ip src net 198.51.100.0 mask 255.255.255.0", "ipv4.src/24 == 198.51.100.0"},
      {"ip6 src net fe80::/10", "ipv6.src in fe80::/10"},
      {"ip6 dst net ff02::/16", "ip.dst in ff02::/16"},
      {"ip6 host 2001:db8:1::1", "ip.src == 2001:db8:1::1 or ip.dst == 2001:db8:1::1"},
      {"ip6 net 2001:db8::/32", "ipv6.src/32 == 2001:db8:: or ipv6.dst/32 == 2001:db8::"},
      {"ip6 multicast", "ipv6.dst in ff00::/8"},
      {"ip multicast", "ipv4.dst in 224.0.0.0/3", Frames::plain,
       "pcap-filter's test is `first byte >= 224`: the reserved 240.0.0.0/4 is in it"},
      {"ip src or dst net 127.0.0.0/8", "ipv4.src in 127.0.0.0/8 or ipv4.dst in 127.0.0.0/8"},
      {"ip[12:4] == ip[16:4]", "ipv4.src == ipv4.dst"},
      {"src host 198.51.100.1 and dst port 80", "ip.src == 198.51.100.1 and l4.dport == 80"},
      {"ip[12] == 10", "ip.src in 10.0.0.0-10.255.255.255"},
      // Ethernet
      {"ether broadcast", "eth.dst == ff:ff:ff:ff:ff:ff", Frames::as_is},
      {"ether dst 02:00:00:00:00:02", "eth.dst == 02:00:00:00:00:02", Frames::as_is},
      {"ether host 02:00:00:00:00:01", "eth.src == 02:00:00:00:00:01 or eth.dst == 02:00:00:00:00:01", Frames::as_is},
      {"ether src 02:00:00:00:00:01", "eth.src in { 02:00:00:00:00:01 }", Frames::as_is},
      {"ether proto 0x0806", "eth.type == 0x0806", Frames::as_is},
      {"ether[12:2] < 1536", "eth.type < 1536", Frames::as_is},
      {"len > 100", "pkt.len > 100", Frames::as_is},
      {"less 64", "pkt.len <= 64", Frames::as_is},
      {"greater 1000 and ether proto 0x0800", "eth.type == 0x0800 and pkt.len >= 1000", Frames::as_is},
      // tags
      {"not ether proto 0x9100 and vlan", "vlan", Frames::as_is, "pcap-filter takes 0x9100 for a tag, too"},
      {"not ether proto 0x9100 and vlan 100", "vlan.id == 100", Frames::as_is},
      {"not ether proto 0x9100 and vlan and ip", "vlan.type == 0x0800", Frames::as_is,
       "pcap-filter looks behind one tag, .xf behind all"},
      // IPv4
      {"ip[0] & 0xf > 5", "ipv4.ihl > 5"},
      {"ip[0] >> 4 == 4", "ipv4.version == 4"},
      {"ip[1] & 0xfc == 0xb8", "ipv4.dscp == 46"},
      {"ip[1] & 3 != 0", "ipv4.ecn > 0"},
      {"ip[1] != 0", "ipv4 and ipv4.tos != 0"},
      {"ip[2:2] > 576", "ipv4.total_length > 576"},
      {"ip[2:2] - ((ip[0] & 0xf) << 2) > 100", "ipv4.total_length - ipv4.ihl * 4 > 100"},
      {"ip[4:2] == 0", "ipv4.id == 0"},
      {"ip[6] & 0x40 != 0", "ipv4.dont_fragment"},
      {"ip[6] & 0x80 != 0", "ipv4.reserved"},
      {"ip[6:2] & 0x1fff != 0", "ipv4.fragment_offset > 0"},
      {"ip[6:2] & 0x3fff != 0", "ipv4.fragment"},
      {"ip[8] < 10", "ipv4.ttl < 10"},
      {"ip[10:2] == 0", "ipv4.checksum == 0"},
      // IPv6
      {"ip6[7] == 255", "ipv6.ttl == 255"},
      {"ip6[4:2] > 100", "ipv6.payload_length > 100"},
      {"ip6[0:4] & 0xfffff != 0", "ipv6.flow_label > 0"},
      {"ip6[0:2] & 0x0ff0 != 0", "ipv6.traffic_class > 0"},
      // transport
      {"tcp[tcpflags] & tcp-syn != 0", "ipv4 and tcp.syn", Frames::plain, kV4Only},
      {"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "ipv4 and tcp.syn and not tcp.ack", Frames::plain, kV4Only},
      {"tcp[tcpflags] & tcp-rst != 0", "ipv4 and tcp.rst", Frames::plain, kV4Only},
      {"tcp[13] == 0x18", "ipv4 and tcp.flags == 0x18", Frames::plain, kV4Only},
      {"tcp[13] & 0x3f == 0", "ipv4 and tcp.flags & 0x3f == 0", Frames::plain, kV4Only},
      {"tcp[14:2] < 1024", "ipv4 and tcp.window < 1024", Frames::plain, kV4Only},
      {"tcp[12] >> 4 > 5", "ipv4 and tcp.data_offset > 5", Frames::plain, kV4Only},
      {"tcp[8:4] == 0", "ipv4 and tcp.ack_seq == 0", Frames::plain, kV4Only},
      {"tcp[0:2] > tcp[2:2]", "ipv4 and tcp.sport > tcp.dport", Frames::plain, kV4Only},
      {"tcp[18:2] != 0", "ipv4 and tcp.urgent > 0", Frames::plain, kV4Only},
      {"udp[4:2] > 100", "ipv4 and udp.len > 100", Frames::plain, kV4Only},
      {"udp[6:2] == 0", "ipv4 and udp.checksum == 0", Frames::plain, kV4Only},
      {"udp[0:2] == udp[2:2]", "ipv4 and udp.sport == udp.dport", Frames::plain, kV4Only},
      {"udp port 53 and udp[10] & 0x80 != 0 and udp[19] >= 0", "ipv4 and dns.qr", Frames::plain,
       "a DNS header has twelve bytes; pcap-filter is false where it reads beyond the frame"},
      {"icmp[icmptype] == icmp-echo", "icmp.type == 8"},
      {"icmp[0] == 3 and icmp[1] == 3", "icmp.type == 3 and icmp.code == 3"},
      {"icmp6[icmp6type] == icmp6-neighborsolicit", "icmp6.type == 135"},
      {"icmp6[icmp6type] >= 133 and icmp6[icmp6type] <= 137", "nd"},
      {"arp[6:2] == 1", "arp.op == 1"},
      {"arp[14:4] == 0", "arp.sender_ip == 0.0.0.0"},
  };
  return table;
}

} // namespace xdpc::captures
