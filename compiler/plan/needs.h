// Which headers a policy needs parsed. Entry point: findNeeds. Tested by tests/lit/dump and tests/packet.
#pragma once

#include "compiler/plan/program.h"

namespace xdpc::plan {

// Labels of MPLS, and other headers that follow themselves without a number that says so.
inline constexpr unsigned kMaxLabels = 4;

// How many of the header may follow each other.
unsigned maxRepeats(const ir::Policy& policy, ir::HeaderId header);

// Fills program.headers, needs_malformed, needs_unparsed, ip and rewrites.
void findNeeds(Program& program);

} // namespace xdpc::plan
