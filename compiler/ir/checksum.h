// Which checksums an assignment changes. Read by plan (those headers must be found), lower (their checksums are kept
// right) and relevance. Tested by tests/packet/rewrite and tests/differential.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

// Headers, other than unions, whose checksum is over the field: its own header, those before it whose checksum covers
// what follows, through tunnels, too, and transports behind an IP header whose addresses they cover.
std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId header, FieldId field);
// The same over a header's checksum itself.
std::vector<HeaderId> checksumsOver(const Policy& policy, HeaderId summed);

// Headers that an assignment writes to besides its targets: those with checksums that follow, over others, too, and
// the optional fields that hold some of them. Each once.
std::vector<HeaderId> changedByAssign(const Policy& policy, const Action& assign);

// Whether `later`, which may be an optional field, can stand behind `header`, in the same packet or in a tunnel.
bool canLieBehind(const Policy& policy, HeaderId header, HeaderId later);

} // namespace xdpc::ir
