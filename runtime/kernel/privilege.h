// Which privilege is missing, and how to get it. Loading and attaching need CAP_BPF and CAP_NET_ADMIN, and CAP_PERFMON
// lest the verifier masks every access; another network namespace needs CAP_SYS_ADMIN. Tested in
// tests/runtime/privilege_test.cpp.
#pragma once

#include "runtime/kernel/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::kernel {

// What a command is to be able to do from its start on; all other capabilities are given up for good.
enum class Need {
  files,  // read and write what the caller names, as the caller's user
  look,   // read what is pinned
  change, // load programs, change maps and links
};
enum class Reach {
  own_namespace,
  others, // also enter network namespaces and look at programs of others: CAP_SYS_ADMIN
};
void keepOnly(Need need, Reach reach);
// Nothing is left, also for good: all that needed them is done.
void dropAll();

// Only the caller's rights to files are in effect meanwhile, as long as a policy is read and compiled.
class FilesOnly {
public:
  FilesOnly();
  ~FilesOnly();
  FilesOnly(const FilesOnly&) = delete;

private:
  uint64_t before_;
};
// In a thread that FilesOnly's one started: what is permitted is in effect.
void raisePermitted();

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
