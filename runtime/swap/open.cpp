// Opens a generation while swaps may go on around it. Tested in tests/runtime/attach_test.cpp and lock_test.cpp.
#include "runtime/swap/open.h"

#include "runtime/swap/trial.h"

#include <cerrno>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

// How often a reader that has no lock is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

Result<Done> openLive(LivePolicy& policy) {
  auto live = installed(policy.folder);
  if (!live)
    return live.error();
  if (policy.lock)
    if (auto restored = restore(policy.folder, *live, policy.device.name); !restored)
      return restored;
  if (!*live)
    return KernelError{ErrorKind::not_found, ENOENT,
                       fmt::format("no policy of xdpc is attached to `{}`", policy.device.name)};
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

Result<LivePolicy> openPatiently(LivePolicy policy) {
  for (int attempt = 1;; ++attempt) {
    auto opened = openLive(policy);
    if (opened)
      return policy;
    if (opened.error().code != ENOENT || opened.error().kind == ErrorKind::not_found || attempt == kAttempts)
      return opened.error();
  }
}

} // namespace

Result<LivePolicy> open(const Target& target, Access access) {
  const auto place = locate(target);
  if (!place)
    return place.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  LivePolicy policy;
  policy.device = place->device;
  auto folder = folderOf(target, *place);
  if (!folder)
    return folder.error();
  policy.folder = *folder;
  if (access == Access::change) {
    if (::access(policy.folder.path.c_str(), W_OK) != 0 && errno != ENOENT)
      return kernel::systemError(fmt::format("cannot change the policy on `{}`", policy.device.name), errno);
    auto lock = lockFolder(policy.folder, policy.device.name, IfMissing::fail);
    if (!lock)
      return lock.error();
    policy.lock = std::move(*lock);
  }
  return openPatiently(std::move(policy));
}

Result<LivePolicy> open(const Folder& folder, const kernel::Device& device) {
  LivePolicy policy;
  policy.folder = folder;
  policy.device = device;
  return openPatiently(std::move(policy));
}

} // namespace xdpc::swap
