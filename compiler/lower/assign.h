// Assignments to fields of the packet, with its checksums (RFC 1624). Entry point: lowerAssign. Tested by
// tests/packet/rewrite.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// The action's headers must be present. Stays in its block.
void lowerAssign(Builder& builder, const Packet& packet, const ir::Action& action);

} // namespace xdpc::lower
