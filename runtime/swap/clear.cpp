// Removes what killed commands, vanished devices and earlier generations left. Tested in tests/runtime/attach_test.cpp,
// swap_test.cpp and instance_test.cpp.
#include "runtime/swap/clear.h"

#include "runtime/kernel/grace.h"
#include "runtime/swap/comments.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

// All pins beside the generations.
Result<Done> removeLinks(const Folder& folder) {
  for (const uint32_t ifindex : linkedDevices(folder))
    if (auto removed = removePin(folder.link(ifindex)); !removed)
      return removed;
  for (const auto& path : {folder.intent(), folder.devices()})
    if (auto removed = removePin(path); !removed)
      return removed;
  return Done{};
}

} // namespace

Result<Done> clearTrials(const Folder& folder, const Installed& live) {
  bool waited = false;
  for (const uint32_t number : generations(folder)) {
    if (number == live.generation && (live.trial || live.capture))
      continue;
    removeCapture(folder, number);
    const auto path = generationPath(folder, number);
    if (access((path / "tail").c_str(), F_OK) != 0)
      continue;
    // The array is emptied with its last pin: not while a packet may still be on its way through it.
    if (!waited)
      if (auto passed = kernel::awaitGracePeriod(); !passed)
        return passed;
    waited = true;
    if (const auto ledger = openLedger(folder, number); ledger && *ledger)
      (*ledger)->head().deadline_ns = 0;
    unlink((path / "trial").c_str());
    unlink((path / "tail").c_str());
  }
  return Done{};
}

Result<Done> clearDead(const Folder& folder, const std::optional<Installed>& live) {
  if (live)
    if (auto cleared = clearTrials(folder, *live); !cleared)
      return cleared;
  const auto kept = live ? keptGenerations(folder, *live) : std::vector<uint32_t>();
  for (const uint32_t number : generations(folder))
    if (std::ranges::find(kept, number) == kept.end())
      if (auto removed = removeGeneration(folder, number); !removed)
        return removed.error();
  if (live)
    return Done{};
  removeComments(folder);
  return removeLinks(folder);
}

void sweepVanished(const std::filesystem::path& bpffs) {
  const auto folders = allFolders(bpffs);
  if (!folders)
    return;
  for (const auto& folder : *folders) {
    // Looks before it locks: while it holds the lock of a device that is there, other commands are turned away.
    if (const auto seen = installed(folder); !seen || *seen)
      continue;
    const auto lock = lockFolder(folder, {}, IfMissing::fail);
    if (!lock)
      continue;
    const auto live = installed(folder);
    if (live && !*live && !strayDevice(folder) && clearDead(folder, std::nullopt))
      removeIfEmpty(folder);
  }
}

} // namespace xdpc::swap
