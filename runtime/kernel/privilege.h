// Which privilege is missing, and how to get it. Loading and attaching need CAP_BPF and CAP_NET_ADMIN, and CAP_PERFMON
// lest the verifier masks every access; another network namespace needs CAP_SYS_ADMIN. Tested in
// tests/runtime/privilege_test.cpp.
#pragma once

#include "runtime/kernel/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::kernel {

// Effective capabilities of this thread, a bit each (CAP_… of linux/capability.h).
uint64_t effectiveCapabilities();

// Names of those among CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON that this thread lacks; CAP_SYS_ADMIN stands in for all.
std::vector<std::string> missingCapabilities();

// The error for an EPERM (a capability is missing) or EACCES (a file's permission is) in the situation.
KernelError privilegeError(std::string situation, int code);
// The error for what only CAP_SYS_ADMIN allows.
KernelError needsSysAdmin(std::string situation);

// An error before anything is tried, unless the thread has what loading and attaching needs.
KernelResult<Done> requireCapabilities(std::string situation);

} // namespace xdpc::kernel
