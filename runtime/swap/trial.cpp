// Ends trials, one way or the other. Everything can be repeated after a kill: what is decided is decided by the update
// of the link. Tested in tests/live/trial.py.
#include "runtime/swap/trial.h"

#include "runtime/kernel/trial_program.h"
#include "runtime/swap/capture.h"
#include "runtime/swap/carry.h"
#include "runtime/swap/change.h"
#include "runtime/swap/clear.h"
#include "runtime/swap/handback.h"
#include "runtime/swap/lock_live.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

Result<Done> look(const Folder& folder, std::optional<Installed>& live) {
  auto found = installed(folder);
  if (!found)
    return found.error();
  live = std::move(*found);
  return Done{};
}

// Nothing ran before the trial: nothing runs after it.
Result<Done> endWithNothing(const Folder& folder, std::optional<Installed>& live) {
  for (const Member& member : live->members)
    if (auto detached = kernel::detachLink(member.link); !detached)
      return detached;
  live.reset();
  return clearDead(folder, std::nullopt);
}

// Puts the program of a pinned generation on all links and takes over what is to be taken over.
Result<Done> putOn(Instance& instance, const Target& target, uint32_t number, Undo undo) {
  const auto program = openProgram(instance.folder, number);
  if (!program)
    return program.error();
  const Change wanted{.to = {number, false}, .undo = undo, .netns = target.netns};
  if (auto changed = change(instance.folder, instance.live, *program, wanted); !changed)
    return changed.error();
  if (auto settled = settle(instance.folder, number); !settled)
    return settled;
  return look(instance.folder, instance.live);
}

// Puts the policy from before the trial on the links itself.
Result<Done> endTrial(Instance& instance, const Target& target) {
  const Folder& folder = instance.folder;
  const auto trial = openGeneration(folder, instance.live->generation);
  if (!trial)
    return trial.error();
  const auto number = static_cast<uint32_t>(trial->ledger->head().from);
  if (number == 0)
    return endWithNothing(folder, instance.live);
  const auto before = openGeneration(folder, number);
  if (!before)
    return before.error();
  if (auto prepared = handBack(*trial, *before); !prepared)
    return prepared;
  if (auto put = putOn(instance, target, number, Undo::forget); !put)
    return put;
  return clearTrials(folder, *instance.live);
}

Result<Done> goBack(Instance& instance, const Target& target, uint32_t number, const Reset& reset) {
  const Folder& folder = instance.folder;
  const auto from = openGeneration(folder, instance.live->generation);
  if (!from)
    return from.error();
  const auto to = openGeneration(folder, number);
  if (!to)
    return to.error();
  const auto match = matchPinned(*from, *to, reset);
  if (auto may = mayCarry(*from, to->manifest, match, reset); !may)
    return may;
  if (auto prepared = prepareReturn(*from, *to, reset); !prepared)
    return prepared;
  if (auto put = putOn(instance, target, number, Undo::add); !put)
    return put;
  return clearDead(folder, instance.live);
}

// Says which devices are gone and forgets them, and which are in another namespace.
Result<Done> letGo(Instance& instance, const Target& target) {
  if (!instance.live)
    return Done{};
  const auto names = deviceNames(instance.folder, *instance.live, target);
  for (const uint32_t ifindex : instance.live->gone) {
    if (auto removed = removePin(instance.folder.link(ifindex)); !removed)
      return removed;
    instance.notes.push_back(fmt::format("`{}` is gone; the policy goes on on {}",
                                         rememberedName(instance.folder, ifindex), fmt::join(names, ", ")));
  }
  instance.live->gone.clear();
  if (instance.live->members.size() == 1)
    return Done{};
  const auto here = devicesHere(*instance.live, target);
  for (const Member& member : instance.live->members)
    if (std::ranges::find(here, member.ifindex) == here.end())
      instance.notes.push_back(fmt::format("`{}` is in another network namespace, and remains of the instance",
                                           rememberedName(instance.folder, member.ifindex)));
  return Done{};
}

Result<uint32_t> generationBefore(const Instance& locked, std::optional<uint32_t> wanted) {
  const auto& device = locked.device;
  const auto kept = keptGenerations(locked.folder, *locked.live);
  uint32_t number = wanted.value_or(0);
  if (!wanted) {
    const auto ledger = openLedger(locked.folder, locked.live->generation);
    number = ledger && *ledger ? static_cast<uint32_t>((*ledger)->head().from) : 0;
  }
  if (number == locked.live->generation)
    return KernelError{ErrorKind::not_found, 0, fmt::format("generation {} is what runs on `{}`", number, device)};
  if (std::ranges::find(kept, number) != kept.end())
    return number;
  return KernelError{ErrorKind::not_found,
                     0,
                     wanted ? fmt::format("no generation {} is kept of `{}`", number, device)
                            : fmt::format("no policy from before is kept of `{}`", device),
                     {},
                     "`xdpc show` says which generations are kept"};
}

std::string policyName(const Folder& folder, uint32_t generation) {
  const auto manifest = readManifest(folder, generation);
  return manifest ? manifest->policy : "";
}

} // namespace

Result<Done> restore(Instance& instance, const Target& target) {
  const Folder& folder = instance.folder;
  auto& live = instance.live;
  if (auto resumed = resume(folder, live, target.netns); !resumed)
    return resumed;
  if (auto let_go = letGo(instance, target); !let_go)
    return let_go;
  if (!live || live->generation == 0)
    return Done{};
  if (isCaptured(folder, *live))
    if (auto ended = endDeadCapture(instance, target); !ended)
      return ended;
  if (!live)
    return Done{};
  if (!live->trial)
    return settle(folder, live->generation);
  if (trialIsOver(*live))
    return endTrial(instance, target);
  return beginTrial(folder, live->generation);
}

Result<Done> announceToBefore(const LivePolicy& policy) {
  const uint64_t number = policy.trial && policy.ledger ? policy.ledger->head().from : 0;
  if (number == 0)
    return Done{};
  const auto before = openGeneration(policy.folder, static_cast<uint32_t>(number));
  if (!before)
    return before.error();
  return announceTries({policy.manifest, *policy.maps}, {before->manifest, *before->maps},
                       matchPinned(policy, *before, {}));
}

Result<Done> refuseDuringTrial(const Installed& live, const std::string& device) {
  if (!live.trial || trialIsOver(live))
    return Done{};
  return KernelError{ErrorKind::busy,
                     0,
                     fmt::format("a trial is under way on `{}`, for another {} s", device, secondsLeft(live)),
                     {},
                     "`xdpc confirm` or `xdpc rollback` ends it"};
}

Result<Confirmation> confirm(const Target& target) {
  auto locked = lockLive(target);
  if (!locked)
    return locked.error();
  const auto& device = locked->device;
  auto& live = locked->live;
  const std::string policy = policyName(locked->folder, live->generation);
  const bool was_trial = live->trial;
  if (auto restored = restore(*locked, target); !restored)
    return restored.error();
  if (was_trial && (!live || !live->trial))
    return KernelError{
        ErrorKind::busy, ETIME,
        fmt::format("too late: the trial of {} on `{}` is over, and {} again", policy, device,
                    live ? fmt::format("{} runs", policyName(locked->folder, live->generation)) : "nothing runs")};
  if (!live || !live->trial)
    return KernelError{ErrorKind::not_found, 0, fmt::format("no trial is under way on `{}`", device)};
  const uint32_t number = live->generation;
  const auto ledger = openLedger(locked->folder, number);
  if (!ledger)
    return ledger.error();
  if (const auto before = static_cast<uint32_t>((*ledger)->head().from); before != 0)
    if (auto forgotten = keepInstead(locked->folder, before); !forgotten)
      return forgotten.error();
  if (auto put = putOn(*locked, target, number, Undo::add); !put)
    return put.error();
  if (auto cleared = clearDead(locked->folder, live); !cleared)
    return cleared.error();
  return Confirmation{deviceNames(locked->folder, *live, target), std::move(locked->notes), policy};
}

Result<Return> rollback(const Target& target, std::optional<uint32_t> generation, const Reset& reset) {
  auto locked = lockLive(target);
  if (!locked)
    return locked.error();
  auto& live = locked->live;
  Return result{.devices = deviceNames(locked->folder, *live, target)};
  if (auto restored = restore(*locked, target); !restored)
    return restored.error();
  if (!live)
    return nothingAttached(locked->device);
  result.from_policy = policyName(locked->folder, live->generation);
  if (generation)
    if (auto refused = refuseDuringTrial(*live, locked->device); !refused)
      return refused.error();
  if (live->trial) {
    if (auto ended = endTrial(*locked, target); !ended)
      return ended.error();
  } else {
    const auto number = generationBefore(*locked, generation);
    if (!number)
      return number.error();
    if (auto back = goBack(*locked, target, *number, reset); !back)
      return back.error();
  }
  result.notes = std::move(locked->notes);
  if (!live) {
    removeIfEmpty(locked->folder);
    return result;
  }
  result.devices = deviceNames(locked->folder, *live, target);
  result.generation = live->generation;
  result.policy = policyName(locked->folder, live->generation);
  return result;
}

} // namespace xdpc::swap
