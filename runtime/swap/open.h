// Opens the policy that runs on a device, for counters, sets and events. Entry point: open. Tested in
// tests/runtime/attach_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/live_maps.h"
#include "runtime/swap/folder.h"

#include <memory>
#include <optional>
#include <string>

namespace xdpc::swap {

enum class Access {
  read,
  change, // holds the device's lock, lest a swap in between loses the change
};

struct LivePolicy {
  kernel::Device device;
  Folder folder;
  uint32_t generation = 0;
  uint32_t program_id = 0;
  abi::Manifest manifest;
  std::string manifest_json;
  std::unique_ptr<kernel::LiveMaps> maps;
  kernel::Fd lock; // Access::change only
};

// not_found if no policy of xdpc runs there.
Result<LivePolicy> open(const Target& target, Access access);

} // namespace xdpc::swap
