// Loads, fills and pins. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#include "runtime/swap/stage.h"

#include "runtime/kernel/netns.h"
#include "runtime/kernel/targets.h"
#include "runtime/swap/carry.h"
#include "runtime/tables/table.h"

namespace xdpc::swap {
namespace {

using kernel::KernelError;

// Devices that the policy redirects to are those beside its own.
Result<Done> fillTargets(const Candidate& candidate, const kernel::LiveMaps& maps, const Target& target) {
  if (candidate.object.manifest.targets.empty())
    return Done{};
  auto scope = kernel::NetnsScope::enter(target.netns);
  if (!scope)
    return scope.error();
  return kernel::fillTargets(candidate.object.manifest, maps);
}

Result<Done> layGroundwork(Candidate& candidate) {
  if (candidate.groundwork)
    return Done{};
  auto laid = kernel::layGroundwork(candidate.object.manifest);
  if (!laid)
    return laid.error();
  candidate.groundwork = std::move(*laid);
  return Done{};
}

} // namespace

Staged::Staged(Staged&& other) noexcept
    : folder_(std::move(other.folder_)), number_(other.number_), policy_(std::move(other.policy_)),
      trial_(std::move(other.trial_)), keep_(std::exchange(other.keep_, true)) {}

Staged::~Staged() {
  if (!keep_)
    (void)removeGeneration(folder_, number_);
}

Result<Done> Staged::makeTrial(const kernel::Fd& previous, uint64_t deadline_ns) {
  auto trial = kernel::loadTrialProgram(policy_.program, previous, deadline_ns);
  if (!trial)
    return trial.error();
  auto ledger = openLedger(folder_, number_);
  if (!ledger)
    return ledger.error();
  (*ledger)->head().deadline_ns = deadline_ns;
  if (auto pinned = pinTrial(folder_, number_, *trial); !pinned)
    return pinned;
  trial_ = std::move(*trial);
  return Done{};
}

Result<Done> Staged::finish() const {
  return trial_ ? beginTrial(folder_, number_) : settle(folder_, number_);
}

Result<Staged> stage(Candidate& candidate, const Target& target, const Folder& folder, uint32_t number,
                     const Generation* from, Reset reset, std::span<const SetContents> contents) {
  const abi::Manifest& manifest = candidate.object.manifest;
  for (const SetContents& one : contents)
    reset.sets.push_back(one.set);
  const auto match = from ? matchState(from->manifest, manifest, reset) : StateMatch{};
  if (from) {
    if (auto may = mayCarry(*from, manifest, match, reset); !may)
      return may.error();
    if (auto laid = layGroundwork(candidate); !laid)
      return laid.error();
    if (auto shared = shareMaps(*from, match, *candidate.groundwork); !shared)
      return shared.error();
    const auto seed = tables::seedOf(*from->maps, from->manifest);
    if (!seed)
      return KernelError{.code = seed.error().code, .message = seed.error().message};
    candidate.groundwork->hash_seed = *seed; // the keys of tables that are shared lie where it says
  }
  auto policy = kernel::loadPolicy(candidate.object, 0, std::exchange(candidate.groundwork, std::nullopt));
  if (!policy)
    return policy.error();
  // Before anything can be looked up: the first packet already meets the sets as they are declared.
  const auto ledger = fillStaged(from, match, reset, *policy, manifest, contents);
  if (!ledger)
    return ledger.error();
  if (auto filled = fillTargets(candidate, *policy->maps, target); !filled)
    return filled.error();
  if (auto pinned = pinGeneration(folder, number, *policy, *ledger, candidate.elf); !pinned)
    return pinned.error();
  Staged staged(folder, number, std::move(*policy));
  if (from)
    if (auto pinned = pinSharedBases(*from, match, folder, number); !pinned)
      return pinned.error();
  return staged;
}

} // namespace xdpc::swap
