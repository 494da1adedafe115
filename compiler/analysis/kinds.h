// Kinds of packets whose way through a policy is worth a warning, and whether a condition holds for them. Tested by
// tests/lit/warn/later_fragments*.xf and no_neighbors*.xf.
#pragma once

#include "compiler/analysis/presence.h"

#include <map>

namespace xdpc::analysis {

enum class Truth : uint8_t { no, yes, unknown };

// What all packets of a kind have in common.
struct PacketKind {
  std::vector<Truth> headers;                                           // by HeaderId
  std::map<std::pair<ir::HeaderId, ir::FieldId>, ir::Intervals> values; // bounds of fields
};

PacketKind packetsWith(const ir::Policy& policy, const Presence& presence, ir::HeaderId header);
// Of one family: nothing is there behind IP, its extension headers aside.
PacketKind laterFragments(const ir::Policy& policy, const Presence& presence, ir::HeaderId ip);
// Solicitations and advertisements (RFC 4861), which are never fragments (RFC 6980).
PacketKind neighborDiscovery(const ir::Policy& policy, const Presence& presence, ir::HeaderId icmp6);

// Whether the condition holds for all packets of the kind, for none, or for some or for what cannot be known.
Truth truth(const ir::Policy& policy, const PacketKind& kind, const ir::Expr& condition);

} // namespace xdpc::analysis
