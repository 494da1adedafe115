// Takes a policy off its device. Entry point: detach. Tested in tests/runtime/attach_test.cpp.
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

} // namespace xdpc::swap
