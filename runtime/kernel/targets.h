// Fills the maps of what a policy redirects to: devices by name and CPUs by number. Maps of sockets are filled by the
// programs that listen. Tested in tests/live/redirect.py.
#pragma once

#include "runtime/kernel/live_maps.h"

namespace xdpc::kernel {

// Devices are those of the calling thread's network namespace. A device or CPU that is missing is an error.
KernelResult<Done> fillTargets(const abi::Manifest& manifest, const LiveMaps& maps);

} // namespace xdpc::kernel
