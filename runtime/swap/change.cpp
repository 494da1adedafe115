// One link after the other. Tested in tests/runtime/instance_test.cpp, tests/live/instance.py and
// crash.py.
#include "runtime/swap/change.h"

#include "runtime/kernel/netns.h"
#include "runtime/swap/undo.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

// Puts the program on the links of all members, then on the newcomers.
struct Forward {
  const Folder& folder;
  const Fd& program;
  uint32_t program_id;
  Changed done{};

  Result<Done> update(const Member& member, size_t devices) {
    if (member.info.program_id == program_id)
      return Done{};
    const auto old = programWithId(folder, member.info.program_id);
    if (!old)
      return old.error();
    const std::string name = memberName(folder, devices == 1 ? member.info.ifindex : member.ifindex);
    auto updated = kernel::updateLink(member.link, program, *old, name);
    if (updated || devices == 1 || !kernel::isVanished(updated.error()))
      return updated;
    done.gone.push_back(name);
    return Done{};
  }

  Result<Done> join(const Newcomer& newcomer) {
    auto hooked = takeHook(folder, newcomer.place, program, newcomer.mode);
    if (!hooked)
      return hooked.error();
    done.joined.push_back(std::move(*hooked));
    return Done{};
  }

  Result<Done> all(const std::vector<Member>& members, const std::vector<Newcomer>& newcomers) {
    const size_t devices = members.size() + newcomers.size();
    for (const Member& member : members)
      if (auto updated = update(member, devices); !updated)
        return updated;
    for (const Newcomer& newcomer : newcomers)
      if (auto joined = join(newcomer); !joined)
        return joined;
    if (done.gone.size() == devices)
      return KernelError{ErrorKind::device, ENODEV, "all devices of the instance vanished"};
    return Done{};
  }
};

void rememberName(IntentDevice& device, const std::string& name) {
  std::strncpy(device.name, name.c_str(), sizeof device.name - 1);
}

Result<Intent> pinIntent(const Folder& folder, const std::optional<Installed>& live, const Change& wanted) {
  IntentHead head{
      .to_generation = wanted.to.generation, .to_load = loadOf(wanted.to), .undo = static_cast<uint32_t>(wanted.undo)};
  std::vector<IntentDevice> devices;
  if (live) {
    head.from_generation = live->generation;
    head.from_load = loadOf(live->running());
    if (const auto ledger = openLedger(folder, live->generation); ledger && *ledger)
      head.before = (*ledger)->head().from;
    for (const Member& member : live->members) {
      devices.push_back({.ifindex = member.ifindex, .program_id = member.info.program_id});
      rememberName(devices.back(), memberName(folder, member.ifindex));
    }
  }
  for (const Newcomer& newcomer : wanted.newcomers) {
    devices.push_back(
        {.ifindex = newcomer.place.device.ifindex, .joins = 1, .mode = static_cast<uint32_t>(newcomer.mode)});
    rememberName(devices.back(), newcomer.place.device.name);
  }
  auto intent = Intent::create(head, devices);
  if (!intent)
    return intent;
  if (auto pinned = intent->pin(folder); !pinned)
    return pinned.error();
  return intent;
}

// Where they ran, strangers run again.
void putStrangersBack(Changed& done, KernelError& error) {
  for (Hooked& hooked : done.joined)
    if (hooked.stranger)
      if (auto back = hooked.stranger->putBack(); !back)
        error.details = fmt::format("and the program that ran on `{}` could not be put back: {}", hooked.device.name,
                                    back.error().message);
}

// Newcomers that a killed command did not get to.
Result<std::vector<Newcomer>> missingNewcomers(const Intent& intent, const Installed& live) {
  std::vector<Newcomer> newcomers;
  for (const IntentDevice& device : intent.devices()) {
    if (!device.joins || live.member(device.ifindex))
      continue;
    const auto name = kernel::deviceName(device.ifindex);
    if (!name)
      return KernelError{ErrorKind::device, ENODEV, fmt::format("device `{}` vanished", device.name)};
    const kernel::Device there{*name, device.ifindex};
    const auto hook = kernel::hookState(there);
    if (!hook)
      return hook.error();
    if (hook->program_id != 0)
      return KernelError{ErrorKind::busy, EBUSY, fmt::format("`{}` already carries an XDP program", *name)};
    newcomers.push_back({{there, kernel::currentNetns(), *hook}, static_cast<Mode>(device.mode)});
  }
  return newcomers;
}

// Somebody put a program of theirs on a link meanwhile.
bool hasStranger(const Installed& live, const Intent& intent) {
  return std::ranges::any_of(live.members, [&](const Member& member) {
    const IntentDevice* device = intent.device(member.ifindex);
    return member.running != intent.to() && (!device || member.info.program_id != device->program_id);
  });
}

Result<Done> goOn(const Folder& folder, const Installed& live, const Intent& intent) {
  if (hasStranger(live, intent))
    return KernelError{ErrorKind::busy, EBUSY, "another program was put on a device meanwhile"};
  const auto program = openRunning(folder, intent.to());
  if (!program)
    return program.error();
  const auto info = kernel::programInfo(program->get());
  if (!info)
    return info.error();
  const auto newcomers = missingNewcomers(intent, live);
  if (!newcomers)
    return newcomers.error();
  if (auto forgotten = forgetUndo(folder, intent); !forgotten)
    return forgotten;
  if (auto done = Forward{folder, *program, info->id}.all(live.members, *newcomers); !done)
    return done;
  return closeIntent(folder);
}

} // namespace

Result<Changed> change(const Folder& folder, const std::optional<Installed>& live, const Fd& program,
                       const Change& wanted) {
  auto scope = kernel::NetnsScope::enter(wanted.netns);
  if (!scope)
    return scope.error();
  const auto info = kernel::programInfo(program.get());
  if (!info)
    return info.error();
  const std::vector<Member> none;
  const auto& members = live ? live->members : none;
  Forward forward{folder, program, info->id};
  if (members.size() + wanted.newcomers.size() == 1) {
    if (auto done = forward.all(members, wanted.newcomers); !done)
      return done.error();
    return std::move(forward.done);
  }
  const auto intent = pinIntent(folder, live, wanted);
  if (!intent)
    return intent.error();
  if (auto done = forward.all(members, wanted.newcomers); !done) {
    KernelError error = done.error();
    if (auto back = undoChange(folder, *intent); !back)
      error.details = fmt::format("and not every device could be put back, which the next command tries again: {}",
                                  back.error().message);
    putStrangersBack(forward.done, error);
    return error;
  }
  (void)closeIntent(folder); // else the next command finds nothing to do and closes it
  return std::move(forward.done);
}

Result<Done> resume(const Folder& folder, std::optional<Installed>& live, const std::optional<std::string>& netns) {
  const auto intent = pendingIntent(folder);
  if (!intent)
    return intent.error();
  if (!*intent)
    return Done{};
  if (!live)
    return dropIntent(folder); // no device had got its program yet, or all are gone
  auto scope = kernel::NetnsScope::enter(netns);
  if (!scope)
    return scope.error();
  if ((*intent)->goesBack() || !goOn(folder, *live, **intent))
    if (auto back = undoChange(folder, **intent); !back)
      return back;
  auto now = installed(folder);
  if (!now)
    return now.error();
  live = std::move(*now);
  return Done{};
}

} // namespace xdpc::swap
