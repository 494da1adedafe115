// Opens a generation while swaps may go on around it. Tested in tests/runtime/attach_test.cpp and lock_test.cpp.
#include "runtime/swap/open.h"

#include "runtime/kernel/netns.h"
#include "runtime/swap/trial.h"

#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

// How often a reader that has no lock is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

Result<Done> restoreFirst(LivePolicy& policy, Instance& instance, const Target& target) {
  auto restored = restore(instance, target);
  policy.notes = std::move(instance.notes);
  return restored;
}

// With the lock, which `instance` then holds, what was left half done is finished first.
Result<Done> openLive(LivePolicy& policy, Instance* instance, const Target& target) {
  if (instance)
    if (auto restored = restoreFirst(policy, *instance, target); !restored)
      return restored;
  const auto live = installed(policy.folder);
  if (!live)
    return live.error();
  if (!*live)
    return nothingAttached(policy.device.name);
  policy.program_id = (*live)->policy_id;
  // 0: the pins of what the link runs are not there, or went while this function looked.
  if ((*live)->generation == 0)
    return KernelError{ErrorKind::busy,
                       ENOENT,
                       fmt::format("program {} on `{}` has no pins", policy.program_id, policy.device.name),
                       {},
                       "attach a policy anew with --replace, or detach"};
  const auto number = effectiveGeneration(policy.folder, **live);
  if (!number)
    return number.error();
  policy.returned = *number != (*live)->generation;
  policy.trial = (*live)->trial && !policy.returned;
  if (*number == 0)
    return KernelError{ErrorKind::not_found, 0,
                       fmt::format("the trial on `{}` is over, and no policy of xdpc ran before", policy.device.name)};
  auto generation = openGeneration(policy.folder, *number);
  if (!generation)
    return generation.error();
  static_cast<Generation&>(policy) = std::move(*generation);
  policy.before.reset();
  if (!policy.carries && !policy.returned)
    return Done{};
  auto before = openGeneration(policy.folder, policy.returned ? (*live)->generation
                                                              : static_cast<uint32_t>(policy.ledger->head().from));
  if (!before)
    return before.error();
  policy.before = std::move(*before);
  return Done{};
}

Result<LivePolicy> openPatiently(LivePolicy policy, Instance* instance, const Target& target) {
  for (int attempt = 1;; ++attempt) {
    auto opened = openLive(policy, instance, target);
    if (opened)
      return policy;
    if (opened.error().code != ENOENT || opened.error().kind == ErrorKind::not_found || attempt == kAttempts)
      return opened.error();
  }
}

} // namespace

std::string deviceNameOf(const Folder& folder, const kernel::Device& known, uint32_t ifindex) {
  if (ifindex == known.ifindex)
    return known.name;
  const bool here = kernel::currentNetns() == folder.netns;
  std::string name = here ? memberName(folder, ifindex) : rememberedName(folder, ifindex);
  return name.empty() ? known.name : name;
}

Result<LivePolicy> open(const Target& target, Access access) {
  const auto places = locateAll(target);
  if (!places)
    return places.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  LivePolicy policy;
  policy.device = places->front().device;
  const auto folder = findCommon(target, *places);
  if (!folder)
    return folder.error();
  policy.folder = *folder;
  if (access == Access::read)
    return openPatiently(std::move(policy), nullptr, target);
  if (::access(policy.folder.path.c_str(), W_OK) != 0 && errno != ENOENT)
    return kernel::systemError(fmt::format("cannot change the policy on `{}`", policy.device.name), errno);
  auto instance = lockInstance(target, *places);
  if (!instance)
    return instance.error();
  policy.folder = instance->folder;
  auto opened = openPatiently(std::move(policy), &*instance, target);
  if (opened)
    opened->lock = std::move(instance->lock);
  return opened;
}

Result<LivePolicy> open(const Folder& folder, const kernel::Device& device) {
  LivePolicy policy;
  policy.folder = folder;
  policy.device = device;
  return openPatiently(std::move(policy), nullptr, {});
}

} // namespace xdpc::swap
