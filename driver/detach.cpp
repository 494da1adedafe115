// `xdpc detach`. Tested by tests/runtime.
#include "runtime/swap/detach.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/kernel/privilege.h"
#include "runtime/swap/folder.h"

#include <fmt/ranges.h>

namespace xdpc::driver {

namespace {

swap::Result<swap::Detached> byLink(const std::string& bpffs, uint32_t link_id) {
  auto detachment = swap::detachLink(bpffs, link_id);
  if (!detachment)
    return detachment.error();
  swap::Detached detached;
  detached.instances.push_back(std::move(*detachment));
  return detached;
}

} // namespace

int detachCommand(const DetachOptions& options) {
  const auto detached =
      options.link ? byLink(options.target.bpffs, *options.link) : swap::detach(targetOf(options.target));
  kernel::dropAll();
  if (!detached)
    return fail(detached.error());
  if (options.link) {
    printLine("{} off link {}", detached->instances[0].policy.empty() ? "the policy" : detached->instances[0].policy,
              *options.link);
    return kFine;
  }
  for (const swap::Detachment& one : detached->instances) {
    sayNotes(one.notes);
    printLine("{} off {}{}", one.policy.empty() ? "the policy" : one.policy, fmt::join(one.devices, ", "),
              one.rest.empty() ? "" : fmt::format("; it goes on on {}", fmt::join(one.rest, ", ")));
  }
  int code = kFine;
  for (const std::string& device : detached->missing)
    code = fail(swap::nothingAttached(device));
  return code;
}

} // namespace xdpc::driver
