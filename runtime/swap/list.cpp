// Asks pins, programs and each device's own namespace. Tested in tests/runtime/list_test.cpp.
#include "runtime/swap/list.h"

#include "runtime/kernel/netns.h"
#include "runtime/swap/clear.h"
#include "runtime/swap/open.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>

namespace xdpc::swap {
namespace {

using kernel::Fd;

// How often a reader that has no lock is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

int64_t nowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The device is looked for in the calling thread's namespace.
bool takeDevice(Attached& attached, const kernel::Device& device, uint32_t program_id) {
  const auto hook = kernel::hookState(device);
  if (!hook || hook->program_id != program_id)
    return false;
  attached.device = device.name;
  attached.ifindex = device.ifindex;
  attached.mode = hook->mode;
  attached.netns = kernel::currentNetns();
  return true;
}

// In the namespace that it was attached in.
bool askDevice(Attached& attached, const Folder& folder, const Member& member) {
  const Fd netns = kernel::findNetns(folder.netns);
  if (!netns)
    return false;
  const auto scope = kernel::NetnsScope::enter(netns);
  const auto name = scope ? kernel::deviceName(member.ifindex) : std::nullopt;
  return name && takeDevice(attached, {*name, member.ifindex}, member.info.program_id);
}

// It may have been moved, and have another number there.
void searchDevice(Attached& attached, const Member& member) {
  for (const Fd& netns : kernel::allNetns())
    if (const auto scope = kernel::NetnsScope::enter(netns))
      for (const kernel::Device& device : kernel::devices())
        if (device.ifindex == member.info.ifindex && takeDevice(attached, device, member.info.program_id))
          return;
}

void describeTrial(Attached& attached, const Folder& folder, const Installed& live) {
  const auto effective = effectiveGeneration(folder, live);
  attached.generation = effective ? *effective : live.generation;
  if (live.trial)
    attached.trial = trialIsOver(live) ? TrialState::returned : TrialState::running;
  attached.capture = isCaptured(folder, live) && !trialIsOver(live);
  attached.trial_seconds = live.trial ? secondsLeft(live) : 0;
}

void describeKept(Attached& attached, const Folder& folder, const Installed& live) {
  for (const uint32_t number : keptGenerations(folder, live)) {
    const auto manifest = readManifest(folder, number);
    const auto ledger = openLedger(folder, number);
    if (manifest && ledger && *ledger)
      attached.kept.push_back(
          {number, manifest->policy, manifest->file, static_cast<int64_t>((*ledger)->head().since_unix_ns)});
  }
}

// What all devices of the instance have in common.
Attached describe(const Folder& folder, const Installed& live) {
  Attached attached{.folder = folder, .netns = folder.netns, .instance = folder.name(), .generation = live.generation};
  attached.program.id = live.program_id;
  describeTrial(attached, folder, live);
  describeKept(attached, folder, live);
  if (const auto program = openProgram(folder, attached.generation))
    if (auto info = kernel::programInfo(program->get()))
      attached.program = *info;
  if (attached.program.load_time_ns != 0)
    attached.since_unix_ns =
        nowNs(CLOCK_REALTIME) - nowNs(CLOCK_BOOTTIME) + static_cast<int64_t>(attached.program.load_time_ns);
  // A policy whose sets got other contents was loaded anew, and is the same one.
  const uint32_t known = attached.generation != 0 ? attached.generation : live.generation;
  if (const auto ledger = openLedger(folder, known); ledger && *ledger)
    if (const auto since = static_cast<int64_t>((*ledger)->head().since_unix_ns); since != 0)
      attached.since_unix_ns = since;
  if (attached.trial == TrialState::returned && attached.generation == 0) {
    attached.trouble = "a trial that is over, and nothing ran before";
    return attached;
  }
  auto manifest = readManifest(folder, attached.generation);
  if (manifest)
    attached.manifest = std::move(*manifest);
  else
    attached.trouble = live.generation == 0 ? "its pins are gone" : manifest.error().message;
  return attached;
}

bool stillRuns(const Folder& folder, const Installed& live) {
  const auto now = installed(folder);
  return now && *now && (*now)->program_id == live.program_id;
}

// One of each device; each knows all of them.
std::vector<Attached> describeAll(const Folder& folder, const Installed& live) {
  std::vector<Attached> all(live.members.size(), describe(folder, live));
  std::vector<std::string> names;
  for (size_t i = 0; i < all.size(); ++i) {
    const Member& member = live.members[i];
    all[i].ifindex = member.ifindex;
    all[i].link_id = member.info.id;
    if (!askDevice(all[i], folder, member))
      searchDevice(all[i], member);
    all[i].own_netns = kernel::currentNetns() == all[i].netns;
    all[i].netns_name = kernel::netnsName(all[i].netns);
    names.push_back(all[i].device.empty() ? rememberedName(folder, all[i].ifindex) : all[i].device);
  }
  for (Attached& one : all)
    one.devices = names;
  return all;
}

// Empty if nothing is attached there. A swap may remove the pins of what ran when it was asked: then it asks again.
Result<std::vector<Attached>> look(const Folder& folder) {
  for (int attempt = 1;; ++attempt) {
    const auto live = installed(folder);
    if (!live)
      return live.error();
    if (!*live)
      return std::vector<Attached>();
    auto all = describeAll(folder, **live);
    const bool known = all[0].trouble.empty();
    const bool found = known && std::ranges::none_of(all, [](const Attached& one) { return one.device.empty(); });
    if (found || attempt == kAttempts || (known && stillRuns(folder, **live)))
      return all;
  }
}

void nameDevice(Attached& attached) {
  const Fd netns = kernel::findNetns(attached.netns);
  if (!netns)
    return;
  const auto scope = kernel::NetnsScope::enter(netns);
  if (const auto name = scope ? kernel::deviceName(attached.ifindex) : std::nullopt)
    attached.device = *name;
}

// One that cannot be asked does not hide the others.
Attached inTrouble(const Folder& folder, const kernel::KernelError& error) {
  Attached attached{.folder = folder, .netns = folder.netns, .ifindex = folder.ifindex, .instance = folder.name()};
  attached.own_netns = kernel::currentNetns() == folder.netns;
  attached.netns_name = kernel::netnsName(folder.netns);
  nameDevice(attached);
  attached.trouble = error.message;
  return attached;
}

// `memlock:` of the descriptor's fdinfo.
uint64_t accountedBytes(int fd) {
  const Fd file(::open(fmt::format("/proc/self/fdinfo/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  const ssize_t size = file ? read(file.get(), buffer, sizeof buffer) : 0;
  const std::string_view text(buffer, size > 0 ? size : 0);
  constexpr std::string_view kLabel = "memlock:\t";
  const size_t at = text.find(kLabel);
  uint64_t bytes = 0;
  if (at != text.npos)
    std::from_chars(text.data() + at + kLabel.size(), text.data() + text.size(), bytes);
  return bytes;
}

Details detailsOf(Attached attached, const LivePolicy& policy) {
  Details details{.attached = std::move(attached)};
  for (uint32_t i = 0; i < policy.maps->size(); ++i)
    details.maps.push_back({policy.manifest.maps[i].name, policy.manifest.maps[i].role, policy.maps->id(i),
                            policy.maps->maxEntries(i), policy.maps->valueSize(i), accountedBytes(policy.maps->fd(i))});
  return details;
}

} // namespace

Result<std::vector<Attached>> list(const std::filesystem::path& bpffs) {
  if (auto mounted = requireBpffs(bpffs); !mounted)
    return mounted.error();
  sweepVanished(bpffs);
  const auto folders = allFolders(bpffs);
  if (!folders)
    return folders.error();
  std::vector<Attached> all;
  for (const auto& folder : *folders) {
    auto attached = look(folder);
    const auto stray = attached && attached->empty() ? strayDevice(folder) : std::nullopt;
    if (stray)
      all.push_back(inTrouble(folder, linkPinGone(folder, *stray)));
    else if (attached)
      std::ranges::move(*attached, std::back_inserter(all));
    else
      all.push_back(inTrouble(folder, attached.error()));
  }
  std::ranges::stable_sort(all, {}, [](const Attached& one) { return std::pair(one.netns, one.ifindex); });
  return all;
}

Result<Details> show(const Target& target) {
  for (int attempt = 1;; ++attempt) {
    const auto policy = open(target, Access::read);
    if (!policy)
      return policy.error();
    auto all = look(policy->folder);
    if (!all)
      return all.error();
    auto one = std::ranges::find(*all, policy->device.ifindex, &Attached::ifindex);
    if (all->size() == 1)
      one = all->begin();
    if (one == all->end())
      return nothingAttached(target.device);
    // Both of one generation, unless swaps follow one another without end.
    if (one->generation == policy->number || attempt == kAttempts)
      return detailsOf(std::move(*one), *policy);
  }
}

} // namespace xdpc::swap
