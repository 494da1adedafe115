// `xdpc attach`: compiles, loads and attaches, or swaps in place of our own policy. Tested by tests/runtime.
#include "runtime/swap/attach.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/object_of.h"
#include "driver/target.h"
#include "runtime/abi/literal.h"
#include "runtime/kernel/program.h"

#include <fmt/ranges.h>

#include <future>

namespace xdpc::driver {

namespace {

swap::Mode modeOf(const std::string& mode) {
  return mode == "native" ? swap::Mode::native : mode == "generic" ? swap::Mode::generic : swap::Mode::automatic;
}

// What happens if nobody confirms, and what does not.
void sayTrial(const swap::Attachment& attached, const std::string& time) {
  printLine("on trial: without `xdpc confirm --dev {}` within {}, {}", attached.device.name, time,
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
  // Large maps take the kernel as long to make as the back end takes for the program: both at once.
  std::future<kernel::KernelResult<kernel::Groundwork>> groundwork;
  const auto object =
      objectOfFile(options.file, {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables},
                   code, [&](const abi::Manifest& manifest) {
                     groundwork =
                         std::async(std::launch::async, [manifest] { return kernel::layGroundwork(manifest); });
                   });
  if (!object)
    return code;
  swap::Candidate candidate{*object, std::nullopt};
  if (groundwork.valid())
    if (auto laid = groundwork.get()) // else attach fails at the same and says why
      candidate.groundwork = std::move(*laid);
  const auto attached = swap::attach(std::move(candidate), targetOf(options.target),
                                     {.mode = modeOf(options.mode),
                                      .replace = options.replace,
                                      .reset = resetOf(options.reset),
                                      .confirm_ns = confirm_ns});
  if (!attached)
    return fail(attached.error());
  for (const std::string& warning : attached->warnings)
    warn(warning);
  printLine("{} on {} ({} mode, program {}){}", object->manifest.policy, attached->device.name,
            kernel::modeName(attached->mode), attached->program_id,
            attached->swapped ? fmt::format(", in place of {}", attached->old_policy) : "");
  if (confirm_ns)
    sayTrial(*attached, options.confirm);
  return kFine;
}

} // namespace xdpc::driver
