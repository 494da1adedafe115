// Takes a policy off its device. Entry points: detach, detachLink. Tested in tests/runtime/attach_test.cpp.
#pragma once

#include "runtime/swap/target.h"

#include <string>

namespace xdpc::swap {

struct Detachment {
  kernel::Device device;
  std::string policy; // its name, empty if its manifest cannot be read
};
// not_found if xdpc has nothing there.
Result<Detachment> detach(const Target& target);
// By the id of its link, wherever its device is now. The device's name is then empty.
Result<Detachment> detachLink(const std::filesystem::path& bpffs, uint32_t link_id);

} // namespace xdpc::swap
