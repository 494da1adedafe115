// Detaches links by force and removes their pins, and those of the instance with the last one. Tested in
// tests/runtime/attach_test.cpp and instance_test.cpp.
#include "runtime/swap/detach.h"

#include "runtime/swap/clear.h"
#include "runtime/swap/hook.h"
#include "runtime/swap/trial.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using Groups = std::map<std::filesystem::path, std::vector<Place>>;

// By the folders of their instances. Those of none are missing.
Result<Groups> group(const Target& target, const std::vector<Place>& places, std::vector<std::string>& missing) {
  Groups groups;
  for (const Place& place : places) {
    const auto folder = findInstance(target, place);
    if (!folder)
      return folder.error();
    if (*folder)
      groups[(*folder)->path].push_back(place);
    else
      missing.push_back(place.device.name);
  }
  return groups;
}

bool namesAll(const Installed& live, const std::vector<Place>& places) {
  return std::ranges::all_of(live.members, [&](const Member& member) {
    return std::ranges::any_of(places, [&](const Place& place) { return live.member(place) == &member; });
  });
}

Result<Done> lookAgain(Instance& instance) {
  auto live = installed(instance.folder);
  if (!live)
    return live.error();
  instance.live = std::move(*live);
  return Done{};
}

Result<Done> takeOff(Instance& instance, const std::vector<Place>& places, Detachment& result) {
  for (const Place& place : places) {
    const Member* member = instance.live ? instance.live->member(place) : nullptr;
    if (!member)
      continue;
    if (auto left = leaveHook(instance.folder, member->ifindex, member->link); !left)
      return left;
    result.devices.push_back(place.device.name);
  }
  return lookAgain(instance);
}

// The instance goes on on the devices that are left, or goes.
Result<Detachment> finish(const Instance& instance, Detachment result, const Target& target) {
  if (instance.live) {
    result.rest = deviceNames(instance.folder, *instance.live, target);
    return result;
  }
  if (auto cleared = clearDead(instance.folder, std::nullopt); !cleared)
    return cleared.error();
  removeIfEmpty(instance.folder);
  return result;
}

Result<Detachment> detachFrom(Instance& instance, const std::vector<Place>& places, const Target& target) {
  Detachment result;
  if (instance.live) {
    const auto number = effectiveGeneration(instance.folder, *instance.live); // a trial may be over
    if (auto manifest = readManifest(instance.folder, number && *number ? *number : instance.live->generation))
      result.policy = manifest->policy;
  }
  // Those that stay shall run one policy; where none stays, what was left half done goes with the rest.
  if (instance.live && !namesAll(*instance.live, places))
    if (auto restored = restore(instance, target); !restored)
      return restored.error();
  if (auto off = takeOff(instance, places, result); !off)
    return off.error();
  result.notes = std::move(instance.notes);
  return finish(instance, std::move(result), target);
}

kernel::KernelError noLink(uint32_t link_id) {
  return {.kind = kernel::ErrorKind::not_found,
          .message = fmt::format("no policy of xdpc is attached by link {}", link_id),
          .help = "`xdpc list --json` shows the links"};
}

const Member* memberByLink(const std::optional<Installed>& live, uint32_t link_id) {
  if (!live)
    return nullptr;
  const auto found = std::ranges::find(live->members, link_id, [](const Member& member) { return member.info.id; });
  return found == live->members.end() ? nullptr : &*found;
}

// In no namespace that could be told: what a killed command left half done waits for one that names a device.
Result<Done> mayLeave(const Instance& instance) {
  if (instance.live->members.size() == 1 || access(instance.folder.intent().c_str(), F_OK) != 0)
    return Done{};
  return kernel::KernelError{.kind = kernel::ErrorKind::busy,
                             .message = "a change of the instance was left half done",
                             .help = "finish it by a command that names another one of its devices"};
}

Result<Detachment> detachLinkIn(const Folder& folder, uint32_t link_id) {
  Instance instance{.folder = folder, .device = fmt::format("link {}", link_id)};
  auto lock = lockFolder(folder, instance.device, IfMissing::fail);
  if (!lock)
    return lock.error();
  instance.lock = std::move(*lock);
  if (auto looked = lookAgain(instance); !looked)
    return looked.error();
  const Member* member = memberByLink(instance.live, link_id);
  if (!member)
    return noLink(link_id);
  if (auto may = mayLeave(instance); !may)
    return may.error();
  Detachment result;
  if (auto manifest = readManifest(folder, instance.live->generation))
    result.policy = manifest->policy;
  if (auto left = leaveHook(folder, member->ifindex, member->link); !left)
    return left.error();
  if (auto looked = lookAgain(instance); !looked)
    return looked.error();
  return finish(instance, std::move(result), {});
}

} // namespace

Result<Detached> detach(const Target& target) {
  const auto places = locateAll(target);
  if (!places)
    return places.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  Detached result;
  const auto groups = group(target, *places, result.missing);
  if (!groups)
    return groups.error();
  std::vector<Instance> instances;
  for (const auto& [path, members] : *groups) {
    auto instance = lockInstance(target, members);
    if (!instance)
      return instance.error();
    instances.push_back(std::move(*instance));
  }
  auto members = groups->begin();
  for (Instance& instance : instances) {
    auto detachment = detachFrom(instance, (members++)->second, target);
    if (!detachment)
      return detachment.error();
    if (!detachment->devices.empty())
      result.instances.push_back(std::move(*detachment));
  }
  if (!result.instances.empty())
    return result;
  sweepVanished(target.bpffs); // what killed commands left of it
  return places->size() == 1 ? notAttached(target, places->front()) : nothingAttached(target.device);
}

Result<Detachment> detachLink(const std::filesystem::path& bpffs, uint32_t link_id) {
  if (auto mounted = requireBpffs(bpffs); !mounted)
    return mounted.error();
  const auto folders = allFolders(bpffs);
  if (!folders)
    return folders.error();
  for (const Folder& folder : *folders)
    if (const auto live = installed(folder); live && memberByLink(*live, link_id))
      return detachLinkIn(folder, link_id);
  return noLink(link_id);
}

} // namespace xdpc::swap
