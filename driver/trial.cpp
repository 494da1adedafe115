// `xdpc confirm` and `xdpc rollback`: how a trial ends, and the way back to an earlier generation. Tested by
// tests/live/trial.py.
#include "runtime/swap/trial.h"
#include "driver/change_json.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"

#include <fmt/ranges.h>

namespace xdpc::driver {

int confirmCommand(const ConfirmOptions& options) {
  const auto confirmed = swap::confirm(targetOf(options.target));
  if (!confirmed)
    return fail(confirmed.error());
  if (options.json) {
    print(confirmedJson(*confirmed));
    return kFine;
  }
  sayNotes(confirmed->notes);
  printLine("{} stays on {}", confirmed->policy, fmt::join(confirmed->devices, ", "));
  return kFine;
}

int rollbackCommand(const RollbackOptions& options) {
  const auto back = swap::rollback(targetOf(options.target), options.generation, resetOf(options.reset));
  if (!back)
    return fail(back.error());
  if (options.json) {
    print(returnedJson(*back));
    return kFine;
  }
  sayNotes(back->notes);
  const std::string devices = fmt::format("{}", fmt::join(back->devices, ", "));
  if (back->generation == 0)
    printLine("{} off {}, where nothing ran before", back->from_policy, devices);
  else
    printLine("{} on {} again (generation {}), in place of {}", back->policy, devices, back->generation,
              back->from_policy);
  return kFine;
}

} // namespace xdpc::driver
