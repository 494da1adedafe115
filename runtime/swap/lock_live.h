// The policy that runs on a device, under the lock of its instance: what commands begin with that change what runs.
// Tested in tests/runtime/lock_test.cpp.
#pragma once

#include "runtime/swap/instance.h"

namespace xdpc::swap {

// not_found if no policy of xdpc runs there; else `live` is there.
Result<Instance> lockLive(const Target& target);

} // namespace xdpc::swap
