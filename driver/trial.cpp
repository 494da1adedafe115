// `xdpc confirm` and `xdpc rollback`: how a trial ends, and the way back to an earlier generation. Tested by
// tests/live/trial.py.
#include "runtime/swap/trial.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"

namespace xdpc::driver {

int confirmCommand(const ConfirmOptions& options) {
  const auto confirmed = swap::confirm(targetOf(options.target));
  if (!confirmed)
    return fail(confirmed.error());
  printLine("{} stays on {}", confirmed->policy, confirmed->device.name);
  return kFine;
}

int rollbackCommand(const RollbackOptions& options) {
  const auto back = swap::rollback(targetOf(options.target), options.generation, resetOf(options.reset));
  if (!back)
    return fail(back.error());
  if (back->generation == 0)
    printLine("{} off {}, where nothing ran before", back->from_policy, back->device.name);
  else
    printLine("{} on {} again (generation {}), in place of {}", back->policy, back->device.name, back->generation,
              back->from_policy);
  return kFine;
}

} // namespace xdpc::driver
