// Tells the live generation from leftovers by program id. Tested in tests/runtime/attach_test.cpp, swap_test.cpp and
// instance_test.cpp.
#include "runtime/swap/installed.h"

#include "runtime/kernel/device.h"
#include "runtime/kernel/netns.h"
#include "runtime/kernel/trial_program.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

// How often a reader that has no lock is willing to be overtaken by changes.
constexpr int kAttempts = 10;

using kernel::KernelError;

struct Pinned {
  Running running;
  kernel::Fd program;
};

// Whether it says nothing about what is pinned: to take it for a pin that is not there would lose a generation.
bool isShortage(const KernelError& error) {
  return error.code == ENOMEM || error.code == EMFILE || error.code == ENFILE || error.code == EAGAIN ||
         error.code == EINTR;
}

// Nothing if it is not there (half made) or another one.
Result<std::optional<kernel::Fd>> openIfRunning(Result<kernel::Fd> program, uint32_t id) {
  const auto info = program ? kernel::programInfo(program->get()) : program.error();
  if (!info && isShortage(info.error()))
    return info.error();
  if (!info || info->id != id)
    return std::optional<kernel::Fd>();
  return std::optional(std::move(*program));
}

uint32_t idOf(const Result<kernel::Fd>& program) {
  const auto info = program ? kernel::programInfo(program->get()) : program.error();
  return info ? info->id : 0;
}

// What the link would say to those who may open it: which program the device runs. In its own namespace alone.
Result<kernel::LinkInfo> askDevice(const Folder& folder, uint32_t ifindex, int code) {
  if (kernel::currentNetns() != folder.netns)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", folder.link(ifindex).string()), code);
  const auto hook = kernel::hookState({fmt::format("interface {}", ifindex), ifindex});
  if (!hook)
    return hook.error();
  return kernel::LinkInfo{.program_id = hook->program_id, .ifindex = ifindex, .xdp = hook->program_id != 0};
}

Result<Pinned> pinnedProgram(const Folder& folder, uint32_t id) {
  Pinned found;
  for (const uint32_t number : generations(folder))
    for (const Load load : {Load::own, Load::trial, Load::capture}) {
      auto program = openIfRunning(openRunning(folder, runningOf(number, static_cast<uint32_t>(load))), id);
      if (!program)
        return program.error();
      if (!*program)
        continue;
      found = {runningOf(number, static_cast<uint32_t>(load)), std::move(**program)};
      break;
    }
  return found;
}

Result<Done> readLinks(const Folder& folder, Installed& found) {
  for (const uint32_t ifindex : linkedDevices(folder)) {
    Member member{.ifindex = ifindex, .link = kernel::Fd(bpf_obj_get(folder.link(ifindex).c_str()))};
    if (!member.link && errno == ENOENT)
      continue;
    const int code = errno;
    const bool may_not = !member.link && (code == EACCES || code == EPERM);
    if (!member.link && !may_not)
      return kernel::systemError(fmt::format("cannot open the pin `{}`", folder.link(ifindex).string()), code);
    auto info = may_not ? askDevice(folder, ifindex, code) : kernel::linkInfo(member.link);
    if (!info)
      return info.error();
    member.info = *info;
    if (!info->xdp || info->ifindex == 0)
      found.gone.push_back(ifindex);
    else
      found.members.push_back(std::move(member));
  }
  return Done{};
}

bool runOneProgram(const std::vector<Member>& members) {
  return std::ranges::all_of(
      members, [&](const Member& member) { return member.info.program_id == members[0].info.program_id; });
}

// Of devices that run different programs: the one whose counts are all that were counted. A change is under way then,
// or somebody else has updated a link.
const Member* leading(const std::vector<Member>& members, const std::optional<Intent>& intent) {
  const auto running = [&](Running wanted) { return std::ranges::find(members, wanted, &Member::running); };
  auto found = members.end();
  if (intent && !intent->goesBack())
    found = running(intent->to());
  if (intent && found == members.end())
    found = running(intent->from());
  if (found == members.end())
    found = std::ranges::find_if(members, [](const Member& member) { return member.running.generation != 0; });
  return found == members.end() ? &members[0] : &*found;
}

// Nothing if a change came to its end meanwhile.
Result<bool> lookOnce(const Folder& folder, Installed& found) {
  if (auto read = readLinks(folder, found); !read)
    return read.error();
  if (found.members.empty())
    return true;
  for (Member& member : found.members) {
    const Member& first = found.members[0];
    if (&member != &first && member.info.program_id == first.info.program_id) {
      member.running = first.running;
      continue;
    }
    auto pinned = pinnedProgram(folder, member.info.program_id);
    if (!pinned)
      return pinned.error();
    member.running = pinned->running;
  }
  const bool one = runOneProgram(found.members);
  auto intent = one ? Result<std::optional<Intent>>(std::optional<Intent>()) : pendingIntent(folder);
  if (!intent)
    return intent.error();
  found.program_id = leading(found.members, *intent)->info.program_id;
  auto pinned = pinnedProgram(folder, found.program_id);
  if (!pinned)
    return pinned.error();
  found.generation = pinned->running.generation;
  found.trial = pinned->running.trial;
  found.capture = pinned->running.capture;
  found.program = std::move(pinned->program);
  return one || *intent;
}

} // namespace

std::filesystem::path capturePath(const Folder& folder, uint32_t generation) {
  return generationPath(folder, generation) / "capture";
}

Result<kernel::Fd> openCapture(const Folder& folder, uint32_t number) {
  return openPin(capturePath(folder, number) / "prog");
}

void removeCapture(const Folder& folder, uint32_t generation) {
  const auto path = capturePath(folder, generation);
  unlink((path / "prog").c_str());
  rmdir(path.c_str());
}

bool isCaptured(const Folder& folder, const Installed& live) {
  return live.capture || (live.trial && access((capturePath(folder, live.generation) / "prog").c_str(), F_OK) == 0);
}

Result<kernel::Fd> openRunning(const Folder& folder, const Running& running) {
  if (running.trial)
    return openTrial(folder, running.generation);
  return running.capture ? openCapture(folder, running.generation) : openProgram(folder, running.generation);
}

const Member* Installed::member(uint32_t ifindex) const {
  const auto found = std::ranges::find(members, ifindex, &Member::ifindex);
  return found == members.end() ? nullptr : &*found;
}

const Member* Installed::member(const Place& place) const {
  if (members.size() == 1)
    return members[0].info.ifindex == place.device.ifindex ? &members[0] : nullptr;
  return member(place.device.ifindex);
}

Result<std::optional<Installed>> installed(const Folder& folder) {
  for (const auto& path : {folder.path.parent_path(), folder.path})
    if (auto trusted = requireTrusted(path); !trusted)
      return trusted.error();
  // Who may not look inside must not take it for empty.
  if (access(folder.path.c_str(), R_OK | X_OK) != 0 && errno == EACCES)
    return kernel::systemError(fmt::format("cannot open `{}`", folder.path.string()), EACCES);
  Installed found;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    found = {};
    const auto sure = lookOnce(folder, found);
    if (!sure)
      return sure.error();
    if (*sure)
      break;
  }
  if (found.members.empty())
    return std::optional<Installed>();
  found.policy_id = found.capture ? idOf(openProgram(folder, found.generation)) : found.program_id;
  if (found.trial)
    if (const auto ledger = openLedger(folder, found.generation); ledger && *ledger)
      found.deadline_ns = (*ledger)->head().deadline_ns;
  return std::optional(std::move(found));
}

std::optional<std::string> strayDevice(const Folder& folder) {
  std::vector<uint32_t> ids;
  for (const uint32_t number : generations(folder))
    for (const Load load : {Load::own, Load::trial, Load::capture})
      if (const uint32_t id = idOf(openRunning(folder, runningOf(number, static_cast<uint32_t>(load)))))
        ids.push_back(id);
  const kernel::Fd netns = ids.empty() ? kernel::Fd() : kernel::findNetns(folder.netns);
  if (!netns)
    return {};
  const auto scope = kernel::NetnsScope::enter(netns);
  if (!scope)
    return {};
  for (const kernel::Device& device : kernel::devices())
    if (const auto hook = kernel::hookState(device); hook && std::ranges::find(ids, hook->program_id) != ids.end())
      return device.name;
  return {};
}

kernel::KernelError linkPinGone(const Folder& folder, const std::string& device) {
  return {.kind = kernel::ErrorKind::refused,
          .message = fmt::format("`{}` runs a program of `{}`, but the pin of its link is not there", device,
                                 folder.path.string()),
          .help = "put the pin back where somebody took it from: the policy's counters and sets are still here"};
}

Result<kernel::Fd> programWithId(const Folder& folder, uint32_t id) {
  auto pinned = pinnedProgram(folder, id);
  if (!pinned)
    return pinned.error();
  if (pinned->program)
    return std::move(pinned->program);
  kernel::Fd program(bpf_prog_get_fd_by_id(id));
  if (!program)
    return kernel::systemError(fmt::format("cannot open program {}", id), errno);
  return program;
}

std::string memberName(const Folder& folder, uint32_t ifindex) {
  return kernel::deviceName(ifindex).value_or(rememberedName(folder, ifindex));
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

} // namespace xdpc::swap
