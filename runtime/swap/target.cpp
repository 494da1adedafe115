// Finds the device in its namespace. Tested in tests/runtime/attach_test.cpp.
#include "runtime/swap/target.h"

#include "runtime/kernel/netns.h"

namespace xdpc::swap {

Result<Place> locate(const Target& target) {
  auto scope = kernel::NetnsScope::enter(target.netns);
  if (!scope)
    return scope.error();
  auto device = kernel::findDevice(target.device);
  if (!device)
    return device.error();
  auto hook = kernel::hookState(*device);
  if (!hook)
    return hook.error();
  return Place{*device, kernel::currentNetns(), *hook};
}

} // namespace xdpc::swap
