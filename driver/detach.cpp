// `xdpc detach`. Tested by tests/runtime.
#include "runtime/swap/detach.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/kernel/privilege.h"

namespace xdpc::driver {

int detachCommand(const DetachOptions& options) {
  const auto detached =
      options.link ? swap::detachLink(options.target.bpffs, *options.link) : swap::detach(targetOf(options.target));
  kernel::dropAll();
  if (!detached)
    return fail(detached.error());
  printLine("{} off {}", detached->policy.empty() ? "the policy" : detached->policy,
            options.link ? fmt::format("link {}", *options.link) : detached->device.name);
  return kFine;
}

} // namespace xdpc::driver
