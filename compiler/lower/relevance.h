// Which of a leaf's headers make a difference to the rules. Leaves that differ in others alone become one: less code,
// and less for the verifier. Entry point: relevantHeaders. Tested by tests/lit/dump/leaves.xf.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// The packet without the headers that no rule would tell apart from absent ones.
Packet relevantHeaders(const plan::Program& program, const Packet& packet);

} // namespace xdpc::lower
