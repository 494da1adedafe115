// Opens the policy that runs on a device, for counters, sets and events. Entry point: open. Tested in
// tests/runtime/attach_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/live_maps.h"
#include "runtime/swap/generation.h"

#include <memory>
#include <optional>
#include <string>

namespace xdpc::swap {

enum class Access {
  read,
  change, // holds the device's lock, lest a swap in between loses the change
};

struct LivePolicy : Generation {
  kernel::Device device;
  uint32_t program_id = 0;          // what the link runs
  std::optional<Generation> before; // a generation whose counts are not yet in this one's, see counts.h
  kernel::Fd lock;                  // Access::change only

  std::vector<std::string> notes; // of Access::change: devices of the instance that are gone or elsewhere

  bool trial = false;    // of this generation, not over yet
  bool returned = false; // a trial is over, and this is the generation before it

  const Generation* other() const { return before ? &*before : nullptr; }
};

// Of a device of an instance by its number, as far as it can be told; else the known one's.
std::string deviceNameOf(const Folder& folder, const kernel::Device& known, uint32_t ifindex);

// not_found if no policy of xdpc runs there.
Result<LivePolicy> open(const Target& target, Access access);
// The one whose pins lie there, to read.
Result<LivePolicy> open(const Folder& folder, const kernel::Device& device);

} // namespace xdpc::swap
