// The transaction of attaching: stage, one step that decides, clear. Tested in tests/runtime/attach_test.cpp,
// swap_test.cpp and stranger_test.cpp.
#include "runtime/swap/attach.h"

#include "runtime/kernel/netns.h"
#include "runtime/kernel/privilege.h"
#include "runtime/kernel/program.h"
#include "runtime/kernel/targets.h"
#include "runtime/swap/carry.h"
#include "runtime/swap/installed.h"
#include "runtime/swap/sockets.h"
#include "runtime/swap/stranger.h"
#include "runtime/swap/trial.h"
#include "runtime/tables/table.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;
using kernel::XdpMode;

// A pinned generation that goes away again unless it is kept.
class Staged {
public:
  Staged(Folder folder, uint32_t number, kernel::LoadedPolicy policy)
      : folder_(std::move(folder)), number_(number), policy_(std::move(policy)) {}
  Staged(Staged&& other) noexcept
      : folder_(std::move(other.folder_)), number_(other.number_), policy_(std::move(other.policy_)),
        trial_(std::move(other.trial_)), keep_(std::exchange(other.keep_, true)) {}
  ~Staged() {
    if (!keep_)
      (void)removeGeneration(folder_, number_);
  }
  void keep() { keep_ = true; }
  uint32_t number() const { return number_; }
  kernel::LoadedPolicy& policy() { return policy_; }

  // From now on it is a trial that is put on the link.
  Result<Done> makeTrial(const Fd& previous, uint64_t deadline_ns) {
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
  const Fd& program() const { return trial_ ? trial_->program : policy_.program; }
  Result<Done> finish() const { return trial_ ? markRunning(folder_, number_) : settle(folder_, number_); }

private:
  Folder folder_;
  uint32_t number_;
  kernel::LoadedPolicy policy_;
  std::optional<kernel::TrialProgram> trial_;
  bool keep_ = false;
};

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

// Loads, fills and pins the policy. Nothing on the device changes. `from`: whose state it is to carry on.
Result<Staged> stage(Candidate& candidate, const Target& target, const Folder& folder, uint32_t number,
                     const Generation* from, const AttachOptions& options) {
  const abi::Manifest& manifest = candidate.object.manifest;
  Reset reset = options.reset;
  for (const SetContents& one : options.contents)
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
  const auto ledger = fillStaged(from, match, reset, *policy, manifest, options.contents);
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

Attachment report(const Place& place, Staged& staged) {
  return {.device = place.device,
          .program_id = staged.policy().info.id,
          .generation = staged.number(),
          .warnings = std::move(staged.policy().warnings)};
}

// Does asking again in generic mode make sense?
bool genericMayDo(const KernelError& error) {
  return error.kind == ErrorKind::device && error.code != ENODEV && error.code != ENOLINK;
}

Result<Fd> createLink(Attachment& result, const Fd& program, Mode mode) {
  const auto& device = result.device;
  result.mode = mode == Mode::generic ? XdpMode::generic : XdpMode::native;
  auto link = kernel::createXdpLink(program, device, result.mode);
  if (link || mode != Mode::automatic || !genericMayDo(link.error()))
    return link;
  auto second = kernel::createXdpLink(program, device, XdpMode::generic);
  if (!second)
    return second.error();
  result.mode = XdpMode::generic;
  result.warnings.push_back(fmt::format("`{}` runs in generic mode, which is several times slower than native: {}",
                                        device.name, link.error().message));
  return second;
}

Result<Done> linkAndPin(Attachment& result, const Fd& program, Mode mode, const Folder& folder) {
  auto link = createLink(result, program, mode);
  if (!link)
    return link.error();
  if (bpf_obj_pin(link->get(), folder.link().c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", folder.link().string()), errno);
  if (auto info = kernel::linkInfo(*link))
    result.link_id = info->id;
  return Done{};
}

// In the device's namespace. What ran there before runs again if this fails.
Result<Done> takeHook(Attachment& result, const Place& place, const Fd& program, Mode mode, const Folder& folder) {
  if (place.hook.program_id == 0)
    return linkAndPin(result, program, mode, folder);
  const SignalsHeld held; // a Ctrl-C between taking a stranger's program off and pinning ours would leave neither
  auto old = StrangerOff::take(place);
  if (!old)
    return old.error();
  if (auto linked = linkAndPin(result, program, mode, folder); !linked) {
    KernelError error = linked.error();
    if (auto back = old->putBack(); !back)
      error.details = fmt::format("and the program that ran there could not be put back: {}", back.error().message);
    return error;
  }
  result.warnings.push_back(
      fmt::format("program {} was taken off `{}`; until xdpc's own was on, some microseconds later, "
                  "packets passed unfiltered",
                  place.hook.program_id, place.device.name));
  return Done{};
}

Result<Attachment> attachFresh(Candidate& candidate, const Target& target, const Place& place, const Folder& folder,
                               const AttachOptions& options) {
  if (place.hook.program_id != 0 && options.confirm_ns)
    return KernelError{ErrorKind::busy, 0,
                       fmt::format("no trial on `{}`: what it carries is not xdpc's to return to", place.device.name)};
  if (place.hook.program_id != 0)
    if (auto allowed = mayReplace(place, options.replace); !allowed)
      return allowed.error();
  auto staged = stage(candidate, target, folder, 1, nullptr, options);
  if (!staged)
    return staged.error();
  Attachment result = report(place, *staged);
  if (options.confirm_ns)
    if (auto made = staged->makeTrial(Fd(), kernel::coarseMonotonic() + *options.confirm_ns); !made)
      return made.error();
  auto scope = kernel::NetnsScope::enter(target.netns);
  if (!scope)
    return scope.error();
  if (auto hooked = takeHook(result, place, staged->program(), options.mode, folder); !hooked)
    return hooked.error();
  staged->keep();
  if (auto settled = staged->finish(); !settled)
    result.warnings.push_back(fmt::format("attached, but {}", settled.error().message));
  return result;
}

Result<Done> maySwap(const Place& place, const Installed& live, const AttachOptions& options) {
  const auto& name = place.device.name;
  if (live.generation == 0 && !options.replace)
    return KernelError{
        ErrorKind::busy,
        0,
        fmt::format("xdpc's link on `{}` runs program {}, which is not xdpc's", name, live.info.program_id),
        {},
        "take its place with --replace"};
  if (options.mode == Mode::automatic || (options.mode == Mode::native) == (place.hook.mode == XdpMode::native))
    return Done{};
  return KernelError{ErrorKind::device,
                     EEXIST,
                     fmt::format("the policy on `{}` runs in {} mode, and a swap cannot change that", name,
                                 kernel::modeName(place.hook.mode)),
                     {},
                     "detach it first, or leave --mode out"};
}

// What a trial has copies of.
std::vector<std::string> copiedState(const abi::Manifest& manifest, const StateMatch& match) {
  std::vector<std::string> names;
  for (const Pair& pair : match.sets)
    if (pair.fate == Fate::converted)
      names.push_back(manifest.sets[pair.to].name);
  for (const Pair& pair : match.meters)
    if (pair.fate == Fate::converted)
      names.push_back(manifest.meters[pair.to].name);
  return names;
}

Result<Done> clearOld(const Folder& folder) {
  const auto live = installed(folder);
  if (!live)
    return live.error();
  return clearDead(folder, *live);
}

// What the trial returns to is the policy itself, not its capture.
Result<Done> makeTrialOver(Staged& staged, const Installed& live, const Folder& folder, uint64_t length_ns) {
  const uint64_t deadline_ns = kernel::coarseMonotonic() + length_ns;
  if (!live.capture)
    return staged.makeTrial(live.program, deadline_ns);
  const auto own = openProgram(folder, live.generation);
  if (!own)
    return own.error();
  return staged.makeTrial(*own, deadline_ns);
}

Result<Attachment> swapOver(Candidate& candidate, const Target& target, const Place& place, const Folder& folder,
                            Installed& live, const AttachOptions& options) {
  if (auto allowed = maySwap(place, live, options); !allowed)
    return allowed.error();
  std::optional<Generation> from;
  if (live.generation != 0) {
    // A newer xdpc's policy is not ours to judge, and `replace` is for those who know.
    auto old = openGeneration(folder, live.generation);
    if (!old && !options.replace)
      return old.error();
    if (old)
      from = std::move(*old);
    if (from)
      if (auto kept = keepSockets(candidate, folder, live.generation, from->manifest); !kept)
        return kept.error();
  } else {
    live.program = Fd(bpf_prog_get_fd_by_id(live.info.program_id));
  }
  const auto pinned = generations(folder);
  auto staged =
      stage(candidate, target, folder, pinned.empty() ? 1 : pinned.back() + 1, from ? &*from : nullptr, options);
  if (!staged)
    return staged.error();
  if (options.confirm_ns && live.generation == 0)
    return KernelError{ErrorKind::busy, 0,
                       fmt::format("no trial on `{}`: what it carries is not xdpc's to return to", place.device.name)};
  if (options.confirm_ns)
    if (auto made = makeTrialOver(*staged, live, folder, *options.confirm_ns); !made)
      return made.error();
  if (auto swapped = kernel::updateLink(live.link, staged->program(), live.program, place.device.name); !swapped)
    return swapped.error();
  staged->keep();
  Attachment result = report(place, *staged);
  result.swapped = true;
  result.old_policy = from ? from->manifest.policy : "";
  result.mode = place.hook.mode;
  result.link_id = live.info.id;
  if (options.confirm_ns && from)
    result.copied =
        copiedState(candidate.object.manifest, matchState(from->manifest, candidate.object.manifest, options.reset));
  if (auto settled = staged->finish(); !settled)
    result.warnings.push_back(fmt::format("swapped, but {}", settled.error().message));
  else if (auto taken = options.in_place_of ? takePlace(folder, live.generation, staged->number()) : Done{}; !taken)
    result.warnings.push_back(fmt::format("swapped, but {}", taken.error().message));
  else if (auto cleared = clearOld(folder); !cleared)
    result.warnings.push_back(fmt::format("swapped, but {}", cleared.error().message));
  return result;
}

} // namespace

Result<Attachment> attach(Candidate candidate, const Target& target, const AttachOptions& options) {
  auto place = locate(target);
  if (!place)
    return place.error();
  if (auto may = kernel::requireCapabilities(fmt::format("cannot attach to `{}`", target.device)); !may)
    return may.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  sweepVanished(target.bpffs);
  const auto found = folderOf(target, *place);
  if (!found)
    return found.error();
  const Folder& folder = *found;
  const auto lock = lockFolder(folder, place->device.name, IfMissing::create);
  if (!lock)
    return lock.error();
  auto live = installed(folder);
  if (!live)
    return live.error();
  if (auto restored = restore(folder, *live, place->device.name); !restored && !options.replace)
    return restored.error();
  place = locate(target); // what another command changed until it gave up the lock
  if (!place)
    return place.error();
  if (*live)
    if (auto refused = refuseDuringTrial(**live, place->device.name); !refused)
      return refused.error();
  if (auto cleared = clearDead(folder, *live); !cleared)
    return cleared.error();
  if (options.in_place_of && (!*live || (*live)->generation != *options.in_place_of))
    return KernelError{.kind = ErrorKind::busy,
                       .code = ESTALE,
                       .message = fmt::format("another policy was attached to `{}` meanwhile", place->device.name)};
  if (options.group)
    if (auto shared = shareWithGroup(folder, *options.group); !shared)
      return shared.error();
  if (*live)
    return swapOver(candidate, target, *place, folder, **live, options);
  auto result = attachFresh(candidate, target, *place, folder, options);
  if (!result)
    removeIfEmpty(folder);
  return result;
}

} // namespace xdpc::swap
