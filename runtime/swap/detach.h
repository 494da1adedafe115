// Takes a policy off devices. Entry points: detach, detachLink. Tested in tests/runtime/attach_test.cpp,
// instance_test.cpp and tests/live/devices.py.
#pragma once

#include "runtime/swap/target.h"

#include <string>

namespace xdpc::swap {

// From one instance.
struct Detachment {
  std::vector<std::string> devices, notes;
  std::string policy;            // its name, empty if its manifest cannot be read
  std::vector<std::string> rest; // devices on which it goes on
};
struct Detached {
  std::vector<Detachment> instances;
  std::vector<std::string> missing; // devices without a policy of xdpc
};
// not_found if xdpc has nothing on any of them. Several instances are locked in the order of their folders.
Result<Detached> detach(const Target& target);
// By the id of its link, wherever its device is now. Devices then have no names.
Result<Detachment> detachLink(const std::filesystem::path& bpffs, uint32_t link_id);

} // namespace xdpc::swap
