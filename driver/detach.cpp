// `xdpc detach`. Tested by tests/runtime.
#include "runtime/swap/detach.h"
#include "driver/change_json.h"
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

void say(const swap::Detached& detached, std::optional<uint32_t> link_id) {
  for (const swap::Detachment& one : detached.instances) {
    const std::string policy = one.policy.empty() ? "the policy" : one.policy;
    sayNotes(one.notes);
    if (link_id)
      printLine("{} off link {}", policy, *link_id);
    else
      printLine("{} off {}{}", policy, fmt::join(one.devices, ", "),
                one.rest.empty() ? "" : fmt::format("; it goes on on {}", fmt::join(one.rest, ", ")));
  }
}

} // namespace

int detachCommand(const DetachOptions& options) {
  const auto detached =
      options.link ? byLink(options.target.bpffs, *options.link) : swap::detach(targetOf(options.target));
  kernel::dropAll();
  if (!detached)
    return fail(detached.error());
  if (options.json)
    print(detachedJson(*detached));
  else
    say(*detached, options.link);
  int code = kFine;
  for (const std::string& device : detached->missing)
    code = fail(swap::nothingAttached(device));
  return code;
}

} // namespace xdpc::driver
