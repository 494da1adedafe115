// The policy that runs on a device, under the lock of its folder: what commands begin with that change what runs.
// Tested in tests/runtime/lock_test.cpp.
#pragma once

#include "runtime/swap/installed.h"

namespace xdpc::swap {

struct LockedLive {
  Place place;
  Folder folder;
  kernel::Fd lock;
  std::optional<Installed> live; // there, when it comes from lockLive
};

// not_found if no policy of xdpc runs there.
Result<LockedLive> lockLive(const Target& target);

kernel::KernelError nothingAttached(const std::string& device);

} // namespace xdpc::swap
