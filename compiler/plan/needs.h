// Which headers a policy needs parsed. Entry point: findNeeds. Tested by tests/lit/dump and tests/packet.
#pragma once

#include "compiler/plan/program.h"

namespace xdpc::plan {

// Fills program.headers, needs_malformed, needs_unparsed, ip and rewrites.
void findNeeds(Program& program);

} // namespace xdpc::plan
