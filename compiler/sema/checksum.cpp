// The one table of checksums: IPv4's header (RFC 791), TCP, UDP and ICMPv6 with the pseudo header of their IP (RFC
// 9293, 768, 4443), ICMP (RFC 792), SCTP's CRC32c (RFC 9260). Packets of tests get them, and assignments keep them
// right. Tested by tests/unit/sema/packet_test.cpp and tests/packet/rewrite.
#include "compiler/sema/checksum.h"
#include "compiler/sema/header.h"

namespace xdpc::sema {

namespace {

struct Row {
  const char* header;
  const char* field;
  ir::Coverage coverage;
  bool zero_means_none;
};
constexpr Row kChecksums[] = {
    {"ipv4", "checksum", ir::Coverage::header, false},
    {"tcp", "checksum", ir::Coverage::rest_with_pseudo, false},
    {"udp", "checksum", ir::Coverage::rest_with_pseudo, true},
    {"icmp", "checksum", ir::Coverage::rest, false},
    {"icmp6", "checksum", ir::Coverage::rest_with_pseudo, false},
    {"sctp", "checksum", ir::Coverage::crc32c, false},
    {"dccp", "checksum", ir::Coverage::rest_with_pseudo, false},
    {"igmp", "checksum", ir::Coverage::rest, false},
    {"pim", "checksum", ir::Coverage::rest, false},
    {"gre", "checksum", ir::Coverage::rest, false},
};

void setChecksum(ir::Header& header) {
  for (const Row& row : kChecksums) {
    const auto field = header.name == row.header ? findField(header, row.field) : std::nullopt;
    if (field && header.fields[*field].bits > 0)
      header.checksum = {*field, row.coverage, row.zero_means_none};
  }
}

// RFC 9293, section 3.1, and RFC 8200, section 8.1: the addresses. Length and protocol cannot be assigned.
void setPseudo(ir::Header& header) {
  for (const char* name : {"src", "dst"})
    if (const auto field = findField(header, name))
      header.pseudo.push_back(*field);
}

} // namespace

void setChecksumRules(ir::Policy& policy) {
  for (ir::Header& header : policy.headers) {
    setChecksum(header);
    if (header.name == "ipv4" || header.name == "ipv6")
      setPseudo(header);
  }
}

} // namespace xdpc::sema
