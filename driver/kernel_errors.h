// A failure between the runtime and the kernel, as an exit code and as text on standard error.
#pragma once

#include "driver/output.h"
#include "runtime/kernel/error.h"
#include "runtime/sets/sets.h"

namespace xdpc::driver {

int fail(const kernel::KernelError& error);
int fail(const sets::SetError& error);

} // namespace xdpc::driver
