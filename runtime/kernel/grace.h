// Waits until no CPU runs a program any more that was taken off before. Entry point: awaitGracePeriod. Tested in
// tests/runtime/carry_test.cpp.
#pragma once

#include "runtime/kernel/error.h"

namespace xdpc::kernel {

// A grace period of RCU: every packet that met the old program is through with it. Some milliseconds.
KernelResult<Done> awaitGracePeriod();

} // namespace xdpc::kernel
