// The transaction of attaching: stage, the step that decides, clear. Tested in tests/runtime/attach_test.cpp,
// swap_test.cpp, stranger_test.cpp and instance_test.cpp.
#include "runtime/swap/attach.h"

#include "runtime/kernel/privilege.h"
#include "runtime/swap/carry.h"
#include "runtime/swap/change.h"
#include "runtime/swap/choose.h"
#include "runtime/swap/clear.h"
#include "runtime/swap/sockets.h"
#include "runtime/swap/trial.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::ranges::move(from, std::back_inserter(to));
}

Attachment report(const Chosen& chosen, Staged& staged, const Changed& changed) {
  Attachment result{
      .program_id = staged.policy().info.id, .generation = staged.number(), .warnings = chosen.instance.notes};
  append(result.warnings, std::move(staged.policy().warnings));
  for (const Place& place : chosen.places) {
    const auto& live = chosen.instance.live;
    const Member* member = live ? live->member(place) : nullptr;
    const auto joined = std::ranges::find(changed.joined, place.device.ifindex,
                                          [](const Hooked& hooked) { return hooked.device.ifindex; });
    if (member && std::ranges::find(changed.gone, place.device.name) == changed.gone.end())
      result.devices.push_back({place.device, place.hook.mode, member->info.id});
    if (joined != changed.joined.end()) {
      result.devices.push_back({place.device, joined->mode, joined->link_id});
      append(result.warnings, joined->warnings);
    }
  }
  for (const std::string& name : changed.gone)
    result.warnings.push_back(fmt::format("`{}` vanished meanwhile; the others went on", name));
  return result;
}

std::vector<Newcomer> newcomersOf(const Chosen& chosen, Mode mode) {
  std::vector<Newcomer> newcomers;
  for (const Place& place : chosen.newcomers())
    newcomers.push_back({place, mode});
  return newcomers;
}

// The step that decides. What could not be undone on every device needs its pins until it is.
Result<Changed> carryOut(const Chosen& chosen, Staged& staged, const Target& target, Mode mode) {
  const Folder& folder = chosen.instance.folder;
  auto changed = change(folder, chosen.instance.live, staged.program(),
                        {.to = staged.running(), .newcomers = newcomersOf(chosen, mode), .netns = target.netns});
  if (changed || access(folder.intent().c_str(), F_OK) == 0)
    staged.keep();
  return changed;
}

Result<Attachment> attachFresh(Candidate& candidate, const Target& target, Chosen& chosen,
                               const AttachOptions& options) {
  auto staged = stage(candidate, target, chosen.instance.folder, 1, nullptr, options.reset, options.contents);
  if (!staged)
    return staged.error();
  if (options.confirm_ns)
    if (auto made = staged->makeTrial(Fd(), kernel::coarseMonotonic() + *options.confirm_ns); !made)
      return made.error();
  const auto changed = carryOut(chosen, *staged, target, options.mode);
  if (!changed)
    return changed.error();
  Attachment result = report(chosen, *staged, *changed);
  if (auto settled = staged->finish(); !settled)
    result.warnings.push_back(fmt::format("attached, but {}", settled.error().message));
  return result;
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
Result<Done> makeTrialOver(Staged& staged, const Instance& instance, uint64_t length_ns) {
  const uint64_t deadline_ns = kernel::coarseMonotonic() + length_ns;
  if (!instance.live->capture)
    return staged.makeTrial(instance.live->program, deadline_ns);
  const auto own = openProgram(instance.folder, instance.live->generation);
  if (!own)
    return own.error();
  return staged.makeTrial(*own, deadline_ns);
}

// Whose state lives on. Another xdpc's policy, older or newer, is not ours to judge, and `replace` is for those who
// know.
Result<std::optional<Generation>> openOld(Candidate& candidate, const Instance& instance,
                                          const AttachOptions& options) {
  const uint32_t number = instance.live->generation;
  if (number == 0)
    return std::optional<Generation>();
  auto old = openGeneration(instance.folder, number);
  if (!old && options.replace)
    return std::optional<Generation>();
  if (!old) {
    kernel::KernelError error = old.error();
    error.help =
        "`--replace` puts this policy in its place in one step, without what its sets, meters and counters hold";
    return error;
  }
  if (auto kept = keepSockets(candidate, instance.folder, number, old->manifest); !kept)
    return kept.error();
  return std::optional(std::move(*old));
}

Result<Attachment> swapOver(Candidate& candidate, const Target& target, Chosen& chosen, const AttachOptions& options) {
  const Folder& folder = chosen.instance.folder;
  const uint32_t old_number = chosen.instance.live->generation;
  const auto from = openOld(candidate, chosen.instance, options);
  if (!from)
    return from.error();
  const auto pinned = generations(folder);
  auto staged = stage(candidate, target, folder, pinned.empty() ? 1 : pinned.back() + 1, *from ? &**from : nullptr,
                      options.reset, options.contents);
  if (!staged)
    return staged.error();
  if (options.confirm_ns)
    if (auto made = makeTrialOver(*staged, chosen.instance, *options.confirm_ns); !made)
      return made.error();
  const auto changed = carryOut(chosen, *staged, target, options.mode);
  if (!changed)
    return changed.error();
  Attachment result = report(chosen, *staged, *changed);
  result.swapped = true;
  result.old_policy = *from ? (*from)->manifest.policy : "";
  if (options.confirm_ns && *from)
    result.copied =
        copiedState(candidate.object.manifest, matchState((*from)->manifest, candidate.object.manifest, options.reset));
  if (auto settled = staged->finish(); !settled)
    result.warnings.push_back(fmt::format("swapped, but {}", settled.error().message));
  else if (auto taken = options.in_place_of ? takePlace(folder, old_number, staged->number()) : Done{}; !taken)
    result.warnings.push_back(fmt::format("swapped, but {}", taken.error().message));
  else if (auto cleared = clearOld(folder); !cleared)
    result.warnings.push_back(fmt::format("swapped, but {}", cleared.error().message));
  return result;
}

} // namespace

Result<Attachment> attach(Candidate candidate, const Target& target, const AttachOptions& options) {
  if (auto places = locateAll(target); !places)
    return places.error();
  if (auto may = kernel::requireCapabilities(fmt::format("cannot attach to `{}`", target.device)); !may)
    return may.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  sweepVanished(target.bpffs);
  auto chosen = choose(target, options);
  if (!chosen)
    return chosen.error();
  const Instance& instance = chosen->instance;
  if (auto cleared = clearDead(instance.folder, instance.live); !cleared)
    return cleared.error();
  if (options.in_place_of && (!instance.live || instance.live->generation != *options.in_place_of))
    return KernelError{.kind = ErrorKind::busy,
                       .code = ESTALE,
                       .message = fmt::format("another policy was attached to `{}` meanwhile", instance.device)};
  if (options.group)
    if (auto shared = shareWithGroup(instance.folder, *options.group); !shared)
      return shared.error();
  if (instance.live)
    return swapOver(candidate, target, *chosen, options);
  auto result = attachFresh(candidate, target, *chosen, options);
  if (!result)
    removeIfEmpty(instance.folder);
  return result;
}

} // namespace xdpc::swap
