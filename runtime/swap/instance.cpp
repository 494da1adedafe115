// Finds folders by links. Tested in tests/runtime/instance_test.cpp and lock_test.cpp.
#include "runtime/swap/instance.h"

#include "runtime/kernel/netns.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

// How often a reader that has no lock is willing to be overtaken by swaps.
constexpr int kAttempts = 10;

KernelError movedAway(const std::string& device, uint32_t link_id) {
  return {ErrorKind::busy,
          EEXIST,
          fmt::format("the pins in the place of `{}` belong to a device that was moved to another network namespace",
                      device),
          {},
          fmt::format("`xdpc list` shows it; `xdpc detach --link {}` takes its policy off", link_id)};
}

// Of a device that is still there.
std::optional<kernel::LinkInfo> linkIn(const Folder& folder, uint32_t ifindex) {
  const kernel::Fd link(bpf_obj_get(folder.link(ifindex).c_str()));
  const auto info = link ? kernel::linkInfo(link) : Result<kernel::LinkInfo>(KernelError{});
  return info && info->xdp && info->ifindex != 0 ? std::optional(*info) : std::nullopt;
}

// A device that carries no program is no one's, whatever links of its number there are: they are of one that had the
// number before it. Who may not open a link is told by what the device runs, later.
Result<bool> hasLink(const Folder& folder, const Place& place) {
  const auto path = folder.link(place.device.ifindex);
  const kernel::Fd link(bpf_obj_get(path.c_str()));
  const int code = link ? 0 : errno;
  if (code == EACCES || code == EPERM)
    return access(path.c_str(), F_OK) == 0 || errno != ENOENT;
  if (!link && code == ENOENT)
    return false;
  if (!link)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", path.string()), code);
  const auto info = kernel::linkInfo(link);
  if (!info)
    return info.error();
  return place.hook.program_id != 0 && info->xdp && info->ifindex != 0 && info->program_id == place.hook.program_id;
}

// Its only device may be in another namespace now, or have another number.
bool hasMoved(const Folder& folder, const Place& place) {
  const auto linked = linkedDevices(folder);
  if (linked.size() != 1 || place.hook.program_id == 0)
    return false;
  const auto link = linkIn(folder, linked[0]);
  return link && link->program_id == place.hook.program_id;
}

Result<bool> isIn(const Folder& folder, const Place& place) {
  const auto linked = hasLink(folder, place);
  if (!linked || *linked)
    return linked;
  if (access(folder.intent().c_str(), F_OK) != 0)
    return false;
  const auto intent = pendingIntent(folder);
  if (!intent)
    return intent.error();
  const IntentDevice* device = *intent ? (*intent)->device(place.device.ifindex) : nullptr;
  return device && device->joins;
}

// The devices by the instance that each is of.
std::string apartText(const std::vector<Place>& places) {
  std::vector<std::string> names;
  for (const Place& place : places)
    names.push_back(fmt::format("`{}`", place.device.name));
  return fmt::format("{}", fmt::join(names, " and "));
}

Result<std::optional<Folder>> findOnce(const std::filesystem::path& bpffs, const Place& place) {
  const Folder first = folderOf(bpffs, place);
  if (auto in = isIn(first, place); !in || *in)
    return in ? Result<std::optional<Folder>>(first) : Result<std::optional<Folder>>(in.error());
  const auto folders = allFolders(bpffs);
  if (!folders)
    return folders.error();
  for (const Folder& folder : *folders) {
    const auto in = folder.netns == place.netns ? isIn(folder, place) : Result<bool>(false);
    if (!in)
      return in.error();
    if (*in || hasMoved(folder, place))
      return std::optional(folder);
  }
  return std::optional<Folder>();
}

// The number that a device of the instance has in the namespace of the command.
uint32_t numberNow(const Installed& live, const Member& member) {
  return live.members.size() == 1 ? member.info.ifindex : member.ifindex;
}

// A link of the device's number in its namespace, and whose it is.
Result<std::optional<std::pair<Folder, kernel::LinkInfo>>> linkOf(const std::filesystem::path& bpffs,
                                                                  const Place& place) {
  using Found = std::optional<std::pair<Folder, kernel::LinkInfo>>;
  const auto folders = allFolders(bpffs);
  if (!folders)
    return folders.error();
  for (const Folder& folder : *folders)
    if (folder.netns == place.netns)
      if (const auto link = linkIn(folder, place.device.ifindex))
        return Found({folder, *link});
  return Found();
}

} // namespace

Result<std::optional<Folder>> findInstance(const Target& target, const Place& place) {
  const Folder own = folderOf(target.bpffs, place);
  for (const auto& path : {own.path.parent_path(), own.path})
    if (auto trusted = requireTrusted(path); !trusted)
      return trusted.error();
  Place now = place;
  for (int attempt = 1;; ++attempt) {
    auto found = findOnce(target.bpffs, now);
    if (!found || *found)
      return found;
    const auto link = linkOf(target.bpffs, place);
    if (!link)
      return link.error();
    if (!*link)
      return std::optional<Folder>();
    if (attempt == kAttempts && (*link)->first.path == own.path)
      return movedAway(place.device.name, (*link)->second.id);
    if (attempt == kAttempts)
      return std::optional<Folder>();
    const auto scope = kernel::NetnsScope::enter(target.netns); // it may be a swap that came between the two looks
    const auto hook = scope ? kernel::hookState(place.device) : Result<kernel::HookState>(scope.error());
    if (!hook)
      return hook.error();
    now.hook = *hook;
  }
}

KernelError notAttached(const Target& target, const Place& place) {
  if (const auto folders = allFolders(target.bpffs))
    for (const Folder& folder : *folders)
      if (folder.netns == place.netns && strayDevice(folder) == place.device.name) {
        // Or a command is about to pin it: the kernel filters some milliseconds before it lets the command go on.
        const auto lock = lockFolder(folder, place.device.name, IfMissing::fail);
        if (!lock)
          return lock.error();
        if (const auto live = installed(folder); live && !*live && strayDevice(folder) == place.device.name)
          return linkPinGone(folder, place.device.name);
      }
  return nothingAttached(place.device.name);
}

Result<Folder> findCommon(const Target& target, const std::vector<Place>& places) {
  std::optional<Folder> common;
  for (const Place& place : places) {
    const auto folder = findInstance(target, place);
    if (!folder)
      return folder.error();
    if (!*folder)
      return notAttached(target, place);
    if (common && common->path != (*folder)->path)
      return KernelError{ErrorKind::busy,
                         0,
                         fmt::format("{} are not of one instance", apartText(places)),
                         {},
                         "`xdpc list` says which devices belong together"};
    common = *folder;
  }
  return *common;
}

Result<Instance> lockInstance(const Target& target, const std::vector<Place>& places) {
  for (;;) {
    const auto folder = findCommon(target, places);
    if (!folder)
      return folder.error();
    Instance instance{.folder = *folder, .device = places[0].device.name};
    auto lock = lockFolder(*folder, instance.device, IfMissing::fail);
    if (!lock)
      return lock.error();
    instance.lock = std::move(*lock);
    const auto now = findCommon(target, places);
    if (!now)
      return now.error();
    if (now->path != folder->path)
      continue; // it was detached and attached with others while this waited
    auto live = installed(*folder);
    if (!live)
      return live.error();
    instance.live = std::move(*live);
    return instance;
  }
}

Result<Instance> lockInstance(const Target& target) {
  const auto places = locateAll(target);
  if (!places)
    return places.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  return lockInstance(target, *places);
}

std::vector<std::string> deviceNames(const Folder& folder, const Installed& live, const Target& target) {
  const auto scope = kernel::NetnsScope::enter(target.netns);
  std::vector<std::string> names;
  for (const Member& member : live.members)
    names.push_back(memberName(folder, numberNow(live, member)));
  return names;
}

std::vector<uint32_t> devicesHere(const Installed& live, const Target& target) {
  const auto scope = kernel::NetnsScope::enter(target.netns);
  std::vector<uint32_t> here;
  for (const Member& member : live.members) {
    const uint32_t number = numberNow(live, member);
    const auto name = kernel::deviceName(number);
    const auto hook = name ? kernel::hookState({*name, number}) : Result<kernel::HookState>(KernelError{});
    if (hook && hook->program_id == member.info.program_id && member.info.ifindex == number)
      here.push_back(member.ifindex);
  }
  return here;
}

} // namespace xdpc::swap
