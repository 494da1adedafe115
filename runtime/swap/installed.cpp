// Tells the live generation from leftovers by program id. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#include "runtime/swap/installed.h"

#include "runtime/kernel/device.h"
#include "runtime/kernel/grace.h"
#include "runtime/kernel/netns.h"
#include "runtime/kernel/trial_program.h"
#include "runtime/swap/comments.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

// Nothing if it is not there (half made) or another one.
std::optional<kernel::Fd> openIfRunning(Result<kernel::Fd> program, uint32_t id) {
  if (!program)
    return std::nullopt;
  const auto info = kernel::programInfo(program->get());
  if (!info || info->id != id)
    return std::nullopt;
  return std::move(*program);
}

Result<kernel::Fd> openCapture(const Folder& folder, uint32_t number) {
  kernel::Fd fd(bpf_obj_get((capturePath(folder, number) / "prog").c_str()));
  if (!fd)
    return kernel::systemError("cannot open the pin of a capture", errno);
  return fd;
}

uint32_t idOf(const Result<kernel::Fd>& program) {
  const auto info = program ? kernel::programInfo(program->get()) : program.error();
  return info ? info->id : 0;
}

// What the link would say to those who may open it: which program the device runs. In its own namespace alone.
Result<kernel::LinkInfo> askDevice(const Folder& folder, int code) {
  if (kernel::currentNetns() != folder.netns)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", folder.link().string()), code);
  const auto hook = kernel::hookState({fmt::format("interface {}", folder.ifindex), folder.ifindex});
  if (!hook)
    return hook.error();
  return kernel::LinkInfo{.program_id = hook->program_id, .ifindex = folder.ifindex, .xdp = hook->program_id != 0};
}

} // namespace

std::filesystem::path capturePath(const Folder& folder, uint32_t generation) {
  return generationPath(folder, generation) / "capture";
}

void removeCapture(const Folder& folder, uint32_t generation) {
  const auto path = capturePath(folder, generation);
  unlink((path / "prog").c_str());
  rmdir(path.c_str());
}

Result<std::optional<Installed>> installed(const Folder& folder) {
  for (const auto& path : {folder.path.parent_path(), folder.path})
    if (auto trusted = requireTrusted(path); !trusted)
      return trusted.error();
  Installed found{.link = kernel::Fd(bpf_obj_get(folder.link().c_str()))};
  if (!found.link && errno == ENOENT)
    return std::optional<Installed>();
  const int code = errno;
  const bool may_not = !found.link && (code == EACCES || code == EPERM);
  if (!found.link && !may_not)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", folder.link().string()), code);
  auto info = may_not ? askDevice(folder, code) : kernel::linkInfo(found.link);
  if (!info)
    return info.error();
  if (!info->xdp || info->ifindex == 0)
    return std::optional<Installed>();
  found.info = *info;
  found.policy_id = info->program_id;
  for (const uint32_t number : generations(folder)) {
    if (auto program = openIfRunning(openProgram(folder, number), info->program_id)) {
      found.generation = number;
      found.program = std::move(*program);
    } else if (auto trial = openIfRunning(openTrial(folder, number), info->program_id)) {
      const auto ledger = openLedger(folder, number);
      found.generation = number;
      found.program = std::move(*trial);
      found.trial = true;
      found.deadline_ns = ledger && *ledger ? (*ledger)->head().deadline_ns : 0;
    } else if (auto capture = openIfRunning(openCapture(folder, number), info->program_id)) {
      found.generation = number;
      found.program = std::move(*capture);
      found.capture = true;
      found.policy_id = idOf(openProgram(folder, number));
    }
  }
  return std::optional(std::move(found));
}

bool trialIsOver(const Installed& live) {
  return live.trial && kernel::coarseMonotonic() >= live.deadline_ns;
}

uint64_t secondsLeft(const Installed& live) {
  const uint64_t now = kernel::coarseMonotonic();
  return now >= live.deadline_ns ? 0 : (live.deadline_ns - now + 999'999'999) / 1'000'000'000;
}

Result<uint32_t> effectiveGeneration(const Folder& folder, const Installed& live) {
  if (!trialIsOver(live))
    return live.generation;
  const auto ledger = openLedger(folder, live.generation);
  if (!ledger)
    return ledger.error();
  return *ledger ? static_cast<uint32_t>((*ledger)->head().from) : 0;
}

std::vector<uint32_t> keptGenerations(const Folder& folder, const Installed& live) {
  uint32_t before = 0;
  std::vector<uint32_t> others;
  for (const uint32_t number : generations(folder)) {
    const auto ledger = openLedger(folder, number);
    const bool whole = access((generationPath(folder, number) / "prog").c_str(), F_OK) == 0;
    if (!ledger || !*ledger)
      continue;
    if (number == live.generation)
      before = static_cast<uint32_t>((*ledger)->head().from);
    else if (whole && (*ledger)->head().since_unix_ns != 0) // else a killed command had it ready, and no more
      others.push_back(number);
  }
  std::ranges::stable_sort(others, std::ranges::greater(),
                           [&](uint32_t number) { return std::pair(number == before, number); });
  others.resize(std::min(others.size(), kKept - 1));
  if (live.generation != 0)
    others.push_back(live.generation);
  std::ranges::sort(others);
  return others;
}

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
  if (unlink(folder.link().c_str()) != 0 && errno != ENOENT)
    return kernel::systemError(fmt::format("cannot remove `{}`", folder.link().string()), errno);
  return Done{};
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
    if (live && !*live && clearDead(folder, std::nullopt))
      removeIfEmpty(folder);
  }
}

} // namespace xdpc::swap
