// What packets in tests hold where the test says nothing: the one table of it. Lengths, checksums and selectors are not
// here, they come from what follows. Tested by tests/unit/sema/packet_test.cpp.
#include "compiler/sema/header.h"
#include "compiler/sema/packet_layer.h"
#include "runtime/abi/literal.h"

#include <algorithm>
#include <cassert>

namespace xdpc::sema {

namespace {

struct PacketDefault {
  const char* header;
  const char* field;
  const char* value; // as in the language
};

// Addresses and MACs are those reserved for documentation (RFC 5737, RFC 3849, RFC 7042). Selectors: of what has no
// number of its own (RFC 3692 for IPv4, "no next header" for IPv6, the local experimental EtherType).
constexpr PacketDefault kDefaults[] = {
    {"eth", "dst", "02:00:5e:00:53:02"},
    {"eth", "src", "02:00:5e:00:53:01"},
    {"eth", "type", "0x88b5"},
    {"vlan", "type", "0x88b5"},
    {"arp", "htype", "1"},
    {"arp", "ptype", "0x0800"},
    {"arp", "hlen", "6"},
    {"arp", "plen", "4"},
    {"arp", "op", "1"},
    {"arp", "sender_mac", "02:00:5e:00:53:01"},
    {"arp", "sender_ip", "198.51.100.1"},
    {"arp", "target_ip", "203.0.113.1"},
    {"ipv4", "version", "4"},
    {"ipv4", "ihl", "5"},
    {"ipv4", "ttl", "64"},
    {"ipv4", "proto", "253"},
    {"ipv4", "src", "198.51.100.1"},
    {"ipv4", "dst", "203.0.113.1"},
    {"ipv6", "version", "6"},
    {"ipv6", "ttl", "64"},
    {"ipv6", "next_header", "59"},
    {"ipv6", "src", "2001:db8:1::1"},
    {"ipv6", "dst", "2001:db8:2::1"},
    {"hopbyhop", "next_header", "59"},
    {"destination", "next_header", "59"},
    {"routing", "next_header", "59"},
    {"fragment", "next_header", "59"},
    {"icmp", "type", "8"},
    {"icmp6", "type", "128"},
    {"tcp", "sport", "49152"},
    {"tcp", "dport", "9"},
    {"tcp", "data_offset", "5"},
    {"udp", "sport", "49152"},
    {"udp", "dport", "9"},
    {"vxlan", "flags", "8"},
    {"geneve", "protocol", "0x88b5"},
    {"gre", "protocol", "0x88b5"},
    {"gtpu", "version", "1"},
    {"gtpu", "pt", "1"},
    {"gtpu", "type", "255"},
    {"gtpu_extension", "len", "1"},
    {"mpls", "bottom", "1"},
    {"mpls", "ttl", "64"},
    {"pppoe", "version", "1"},
    {"pppoe", "type", "1"},
    {"pppoe", "session", "1"},
    {"pppoe", "protocol", "0xc021"},
    {"ah4", "next_header", "253"},
    {"ah4", "len", "1"},
    {"ah6", "next_header", "59"},
    {"ah6", "len", "1"},
    {"dccp", "sport", "49152"},
    {"dccp", "dport", "9"},
    {"dccp", "data_offset", "4"},
    {"dccp", "x", "1"},
    {"igmp", "type", "0x16"},
    {"ospf", "version", "2"},
    {"ospf", "type", "1"},
    {"pim", "version", "2"},
    {"vrrp", "version", "3"},
    {"vrrp", "type", "1"},
    {"vrrp", "priority", "100"},
    {"dhcp", "op", "1"},
    {"dhcp", "htype", "1"},
    {"dhcp", "hlen", "6"},
    {"dhcp", "client_mac", "02:00:5e:00:53:01"},
    {"dhcp6", "type", "1"},
    {"ntp", "version", "4"},
    {"ntp", "mode", "3"},
    {"quic", "long", "1"},
    {"quic", "fixed", "1"},
    {"quic", "version", "1"},
    {"lldp", "type", "1"},
    {"lldp", "len", "7"},
    {"lldp", "subtype", "4"},
    {"eapol", "version", "2"},
    {"eapol", "type", "1"},
    {"sctp", "sport", "49152"},
    {"sctp", "dport", "9"},
};

void setDefault(Layer& layer, const ir::Field& field, const char* text) {
  uint8_t* at = layer.bytes.data() + field.bit_offset / 8;
  switch (field.type.kind) {
  case ir::TypeKind::Ipv4:
  case ir::TypeKind::Ipv6: {
    const auto address = abi::parseAddress(text);
    assert(address);
    std::copy_n(address->bytes.begin(), field.bits / 8, at);
    return;
  }
  case ir::TypeKind::Mac: {
    const auto mac = abi::parseMac(text);
    assert(mac);
    std::copy_n(mac->bytes.begin(), 6, at);
    return;
  }
  default: {
    const auto number = abi::parseNumber(text);
    assert(number);
    setBits(layer.bytes, field, *number);
  }
  }
}

} // namespace

void setDefaults(const ir::Policy& policy, Layer& layer) {
  const ir::Header& header = policy.headers[*layer.header];
  for (const PacketDefault& one : kDefaults) {
    if (header.name != one.header)
      continue;
    if (const auto id = findField(header, one.field); id && header.fields[*id].bits > 0 && !header.fields[*id].part)
      setDefault(layer, header.fields[*id], one.value);
  }
}

} // namespace xdpc::sema
