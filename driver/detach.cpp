// `xdpc detach`. Tested by tests/runtime.
#include "runtime/swap/detach.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"

namespace xdpc::driver {

int detachCommand(const DetachOptions& options) {
  const auto detached = swap::detach(targetOf(options.target));
  if (!detached)
    return fail(detached.error());
  printLine("{} off {}", detached->policy.empty() ? "the policy" : detached->policy, detached->device.name);
  return kFine;
}

} // namespace xdpc::driver
