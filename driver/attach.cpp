// `xdpc attach`: compiles, loads and attaches, or swaps in place of our own policy. Tested by tests/runtime.
#include "runtime/swap/attach.h"
#include "driver/change_json.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/object_of.h"
#include "driver/target.h"
#include "driver/where.h"
#include "runtime/abi/literal.h"
#include "runtime/kernel/privilege.h"
#include "runtime/kernel/program.h"

#include <future>
#include <grp.h>

namespace xdpc::driver {

namespace {

swap::Mode modeOf(const std::string& mode) {
  return mode == "native" ? swap::Mode::native : mode == "generic" ? swap::Mode::generic : swap::Mode::automatic;
}

// What happens if nobody confirms, and what does not.
void sayTrial(const swap::Attachment& attached, const AttachOptions& options) {
  printLine("on trial: without `xdpc confirm --dev {}` within {}, {}", options.target.device, options.confirm,
            attached.swapped ? attached.old_policy + " is back" : "packets pass again");
  if (!attached.copied.empty())
    note(fmt::format("copies of its own, whose changes would go with it: {}", fmt::join(attached.copied, ", ")));
}

} // namespace

int attachCommand(const AttachOptions& options) {
  int code = kFine;
  std::optional<uint64_t> confirm_ns;
  if (!options.confirm.empty()) {
    const auto parsed = abi::parseDuration(options.confirm);
    if (!parsed)
      return fail(kUsage, fmt::format("`--confirm {}`: {}", options.confirm, parsed.error().message));
    confirm_ns = *parsed;
  }
  std::optional<uint32_t> group;
  if (!options.group.empty()) {
    const ::group* entry = ::getgrnam(options.group.c_str());
    if (!entry)
      return fail(kUsage, fmt::format("there is no group `{}`", options.group));
    group = entry->gr_gid;
  }
  // Large maps take the kernel as long to make as the back end takes for the program: both at once.
  std::future<kernel::KernelResult<kernel::Groundwork>> groundwork;
  const auto lay_groundwork = [&](const abi::Manifest& manifest) {
    groundwork = std::async(std::launch::async, [manifest] {
      kernel::raisePermitted();
      return kernel::layGroundwork(manifest);
    });
  };
  std::optional<ObjectFile> file;
  {
    const kernel::FilesOnly without;
    file = readObjectOf(options.file,
                        {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables}, code,
                        lay_groundwork);
  }
  if (!file)
    return code;
  swap::Candidate candidate{file->object, std::nullopt, file->elf};
  if (groundwork.valid())
    if (auto laid = groundwork.get()) // else attach fails at the same and says why
      candidate.groundwork = std::move(*laid);
  const auto attached = swap::attach(std::move(candidate), targetOf(options.target),
                                     {.mode = modeOf(options.mode),
                                      .replace = options.replace,
                                      .reset = resetOf(options.reset),
                                      .confirm_ns = confirm_ns,
                                      .group = group});
  kernel::dropAll();
  if (!attached)
    return fail(attached.error());
  for (const std::string& warning : attached->warnings)
    warn(warning);
  if (options.json) {
    print(attachedJson(*attached, {.name = file->object.manifest.policy, .trial_ns = confirm_ns}));
    return kFine;
  }
  printLine("{} on {}{}", file->object.manifest.policy, whereText(*attached),
            attached->swapped ? fmt::format(", in place of {}", attached->old_policy) : "");
  if (confirm_ns)
    sayTrial(*attached, options);
  return kFine;
}

} // namespace xdpc::driver
