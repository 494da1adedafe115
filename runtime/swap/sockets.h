// Programs that listen stay connected when the policy is swapped. Entry point: keepSockets. Tested in
// tests/live/redirect.py.
#pragma once

#include "runtime/swap/stage.h"

namespace xdpc::swap {

// Gives the candidate the live generation's maps of sockets, where both policies redirect to sockets of one name.
Result<Done> keepSockets(Candidate& candidate, const Folder& folder, uint32_t generation, const abi::Manifest& old);

} // namespace xdpc::swap
