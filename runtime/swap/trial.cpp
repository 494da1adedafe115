// Ends trials, one way or the other. Everything can be repeated after a kill: what is decided is decided by the update
// of the link. Tested in tests/live/trial.py.
#include "runtime/swap/trial.h"

#include "runtime/kernel/grace.h"
#include "runtime/kernel/trial_program.h"
#include "runtime/swap/capture.h"
#include "runtime/swap/carry.h"
#include "runtime/swap/lock_live.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

// The generation before, with its counts as they are: what the trial has counted is to be added.
Result<Done> prepareEnd(const Generation& trial, const Generation& before) {
  if (!trial.carries || !before.ledger)
    return Done{}; // it counted in the very same maps
  const auto base = counters::readBase(*before.maps, before.manifest);
  if (!base)
    return KernelError{.message = base.error().message};
  LedgerHead& head = before.ledger->head();
  if (!before.carries) {
    std::ranges::copy(*base, before.ledger->origins().begin());
    head.retired_origin = head.retired;
  }
  head.from = trial.number;
  before.ledger->setResets("");
  before.ledger->set(LedgerState::carrying, before.epoch);
  return Done{};
}

Result<Done> look(const Folder& folder, std::optional<Installed>& live) {
  auto found = installed(folder);
  if (!found)
    return found.error();
  live = std::move(*found);
  return Done{};
}

// Nothing ran before the trial: nothing runs after it.
Result<Done> endWithNothing(const Folder& folder, std::optional<Installed>& live) {
  if (auto detached = kernel::detachLink(live->link); !detached)
    return detached;
  live.reset();
  return clearDead(folder, std::nullopt);
}

// Puts the policy from before the trial on the link itself.
Result<Done> endTrial(const Folder& folder, std::optional<Installed>& live, const std::string& device) {
  const auto trial = openGeneration(folder, live->generation);
  if (!trial)
    return trial.error();
  const auto number = static_cast<uint32_t>(trial->ledger->head().from);
  if (number == 0)
    return endWithNothing(folder, live);
  const auto before = openGeneration(folder, number);
  if (!before)
    return before.error();
  const auto program = openProgram(folder, number);
  if (!program)
    return program.error();
  if (auto prepared = prepareEnd(*trial, *before); !prepared)
    return prepared;
  if (auto updated = kernel::updateLink(live->link, *program, live->program, device); !updated)
    return updated;
  if (auto settled = settle(folder, number); !settled)
    return settled;
  if (auto looked = look(folder, live); !looked)
    return looked;
  return clearTrials(folder, *live);
}

// A killed command may have begun to end the trial that is now confirmed.
Result<Done> forgetEnd(const Folder& folder, uint32_t before) {
  auto ledger = openLedger(folder, before);
  if (!ledger)
    return ledger.error();
  if (*ledger && (*ledger)->state() == LedgerState::carrying)
    (*ledger)->set(LedgerState::settled, (*ledger)->epoch());
  return Done{};
}

Result<Done> goBack(LockedLive& locked, uint32_t number, const Reset& reset) {
  const Folder& folder = locked.folder;
  const auto from = openGeneration(folder, locked.live->generation);
  if (!from)
    return from.error();
  const auto to = openGeneration(folder, number);
  if (!to)
    return to.error();
  const auto program = openProgram(folder, number);
  if (!program)
    return program.error();
  const auto match = matchPinned(*from, *to, reset);
  if (auto may = mayCarry(*from, to->manifest, match, reset); !may)
    return may;
  if (auto prepared = prepareReturn(*from, *to, reset); !prepared)
    return prepared;
  if (auto updated = kernel::updateLink(locked.live->link, *program, locked.live->program, locked.place.device.name);
      !updated)
    return updated;
  if (auto settled = settle(folder, number); !settled)
    return settled;
  if (auto looked = look(folder, locked.live); !looked)
    return looked;
  return clearDead(folder, locked.live);
}

Result<uint32_t> generationBefore(const LockedLive& locked, std::optional<uint32_t> wanted) {
  const auto& device = locked.place.device.name;
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
                     "`xdpc list` shows the generations that are kept"};
}

std::string policyName(const Folder& folder, uint32_t generation) {
  const auto manifest = readManifest(folder, generation);
  return manifest ? manifest->policy : "";
}

} // namespace

Result<Done> restore(const Folder& folder, std::optional<Installed>& live, const std::string& device) {
  if (!live || live->generation == 0)
    return Done{};
  if (live->capture)
    if (auto ended = endDeadCapture(folder, live, device); !ended)
      return ended;
  if (!live->trial)
    return settle(folder, live->generation);
  if (trialIsOver(*live))
    return endTrial(folder, live, device);
  return markRunning(folder, live->generation);
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
  const auto& device = locked->place.device.name;
  auto& live = locked->live;
  if (!live->trial) {
    if (auto restored = restore(locked->folder, live, device); !restored)
      return restored.error();
    return KernelError{ErrorKind::not_found, 0, fmt::format("no trial is under way on `{}`", device)};
  }
  Confirmation result{locked->place.device, policyName(locked->folder, live->generation)};
  if (trialIsOver(*live)) {
    if (auto restored = restore(locked->folder, live, device); !restored)
      return restored.error();
    return KernelError{
        ErrorKind::busy, ETIME,
        fmt::format("too late: the trial of {} on `{}` is over, and {} again", result.policy, device,
                    live ? fmt::format("{} runs", policyName(locked->folder, live->generation)) : "nothing runs")};
  }
  const uint32_t number = live->generation;
  const auto program = openProgram(locked->folder, number);
  if (!program)
    return program.error();
  const auto ledger = openLedger(locked->folder, number);
  if (!ledger)
    return ledger.error();
  if (const auto before = static_cast<uint32_t>((*ledger)->head().from); before != 0)
    if (auto forgotten = forgetEnd(locked->folder, before); !forgotten)
      return forgotten.error();
  if (auto updated = kernel::updateLink(live->link, *program, live->program, device); !updated)
    return updated.error();
  if (auto settled = settle(locked->folder, number); !settled)
    return settled.error();
  if (auto looked = look(locked->folder, live); !looked)
    return looked.error();
  if (auto cleared = clearDead(locked->folder, live); !cleared)
    return cleared.error();
  return result;
}

Result<Return> rollback(const Target& target, std::optional<uint32_t> generation, const Reset& reset) {
  auto locked = lockLive(target);
  if (!locked)
    return locked.error();
  auto& live = locked->live;
  const auto& device = locked->place.device;
  Return result{.device = device, .from_policy = policyName(locked->folder, live->generation)};
  const bool ends_trial = live->trial && !trialIsOver(*live);
  if (ends_trial && generation)
    return refuseDuringTrial(*live, device.name).error();
  if (ends_trial) {
    if (auto ended = endTrial(locked->folder, live, device.name); !ended)
      return ended.error();
  } else {
    if (auto restored = restore(locked->folder, live, device.name); !restored)
      return restored.error();
    if (!live)
      return nothingAttached(device.name);
    const auto number = generationBefore(*locked, generation);
    if (!number)
      return number.error();
    result.from_policy = policyName(locked->folder, live->generation);
    if (auto back = goBack(*locked, *number, reset); !back)
      return back.error();
  }
  if (!live) {
    removeIfEmpty(locked->folder);
    return result;
  }
  result.generation = live->generation;
  result.policy = policyName(locked->folder, live->generation);
  return result;
}

} // namespace xdpc::swap
