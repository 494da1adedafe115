// Finds or makes the folder, and refuses what nobody can mean. Tested in tests/runtime/instance_test.cpp, swap_test.cpp
// and stranger_test.cpp.
#include "runtime/swap/choose.h"

#include "runtime/swap/trial.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

std::string quoted(const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  for (const std::string& name : names)
    texts.push_back(fmt::format("`{}`", name));
  return fmt::format("{}", fmt::join(texts, ", "));
}

// The one that has some of the devices, or nothing.
Result<std::optional<Folder>> findOne(const Target& target, const std::vector<Place>& places) {
  std::optional<Folder> one;
  std::string device;
  for (const Place& place : places) {
    auto found = findInstance(target, place);
    if (!found)
      return found;
    if (*found && one && one->path != (*found)->path)
      return KernelError{ErrorKind::busy,
                         0,
                         fmt::format("`{}` and `{}` run policies of their own, whose state cannot become one", device,
                                     place.device.name),
                         {},
                         fmt::format("detach one of them first: `xdpc detach --dev {}`", place.device.name)};
    if (*found && !one)
      device = place.device.name;
    if (*found)
      one = std::move(*found);
  }
  return one;
}

// A folder for a new instance. The first name may be that of one that the device has left.
Result<Instance> lockFree(const Target& target, const Place& first) {
  for (uint32_t number = 1;; ++number) {
    Instance instance{.folder = folderOf(target.bpffs, first, number), .device = first.device.name};
    auto lock = lockFolder(instance.folder, instance.device, IfMissing::create);
    if (!lock)
      return lock.error();
    instance.lock = std::move(*lock);
    const auto live = installed(instance.folder);
    if (!live)
      return live.error();
    if (!*live)
      return instance;
  }
}

Result<Instance> lockOne(const Target& target, const std::vector<Place>& places) {
  for (;;) {
    const auto found = findOne(target, places);
    if (!found)
      return found.error();
    Instance instance;
    if (*found) {
      instance = {.folder = **found, .device = places[0].device.name};
      auto lock = lockFolder(instance.folder, instance.device, IfMissing::fail);
      if (!lock && lock.error().kind == ErrorKind::not_found)
        continue;
      if (!lock)
        return lock.error();
      instance.lock = std::move(*lock);
    } else {
      auto made = lockFree(target, places[0]);
      if (!made)
        return made;
      instance = std::move(*made);
    }
    auto live = installed(instance.folder);
    if (!live)
      return live.error();
    instance.live = std::move(*live);
    return instance;
  }
}

Result<Done> refuseLeavingOut(const Chosen& chosen, const Target& target) {
  const auto here = devicesHere(*chosen.instance.live, target);
  std::vector<std::string> all, missing;
  const auto names = deviceNames(chosen.instance.folder, *chosen.instance.live, target);
  for (size_t i = 0; i < names.size(); ++i) {
    const Member& member = chosen.instance.live->members[i];
    if (std::ranges::find(here, member.ifindex) == here.end())
      continue;
    all.push_back(names[i]);
    const auto is_it = [&](const Place& place) { return chosen.instance.live->member(place) == &member; };
    if (std::ranges::none_of(chosen.places, is_it))
      missing.push_back(names[i]);
  }
  if (missing.empty())
    return Done{};
  return KernelError{ErrorKind::busy,
                     0,
                     fmt::format("`{}` is of an instance with {}, and its devices change together",
                                 chosen.instance.device, quoted(missing)),
                     {},
                     fmt::format("name all of them: `--dev {}`; or first `xdpc detach --dev {}`", fmt::join(all, ","),
                                 fmt::join(missing, ","))};
}

KernelError nothingToReturnTo(const std::string& device) {
  return {ErrorKind::busy, 0, fmt::format("no trial on `{}`: what it carries is not xdpc's to return to", device)};
}

Result<Done> mayJoin(const Place& place, const Instance& instance, const AttachOptions& options) {
  const auto& name = place.device.name;
  if (place.hook.program_id != 0 && options.confirm_ns)
    return nothingToReturnTo(name);
  if (instance.live && instance.folder.netns != place.netns)
    return KernelError{
        ErrorKind::busy,
        0,
        fmt::format("`{}` cannot join a device that was moved here from another network namespace", name),
        {},
        fmt::format("detach `{}` first, and attach to both together", instance.device)};
  if (instance.live && options.confirm_ns)
    return KernelError{ErrorKind::busy,
                       0,
                       fmt::format("no trial while `{}` joins the instance: it has nothing to return to", name),
                       {},
                       "add it first, without --confirm"};
  return place.hook.program_id != 0 ? mayReplace(place, options.replace) : Result<Done>(Done{});
}

Result<Done> maySwap(const Place& place, const Member& member, const AttachOptions& options) {
  const auto& name = place.device.name;
  if (member.running.generation == 0 && !options.replace)
    return KernelError{
        ErrorKind::busy,
        0,
        fmt::format("xdpc's link on `{}` runs program {}, which is not xdpc's", name, member.info.program_id),
        {},
        "take its place with --replace"};
  const bool native = place.hook.mode == kernel::XdpMode::native;
  if (options.mode != Mode::automatic && (options.mode == Mode::native) != native)
    return KernelError{ErrorKind::device,
                       EEXIST,
                       fmt::format("the policy on `{}` runs in {} mode, and a swap cannot change that", name,
                                   kernel::modeName(place.hook.mode)),
                       {},
                       "detach it first, or leave --mode out"};
  if (member.running.generation == 0 && options.confirm_ns)
    return nothingToReturnTo(name);
  return Done{};
}

Result<Done> mayAttach(const Chosen& chosen, const Target& target, const AttachOptions& options) {
  const Instance& instance = chosen.instance;
  if (instance.live) {
    // A policy that takes its own place changes on all devices anyway.
    if (!options.in_place_of)
      if (auto refused = refuseLeavingOut(chosen, target); !refused)
        return refused;
    if (auto refused = refuseDuringTrial(*instance.live, instance.device); !refused)
      return refused;
  }
  for (const Place& place : chosen.places) {
    const Member* member = instance.live ? instance.live->member(place) : nullptr;
    const auto may = member ? maySwap(place, *member, options) : mayJoin(place, instance, options);
    if (!may)
      return may;
  }
  return Done{};
}

} // namespace

std::vector<Place> Chosen::newcomers() const {
  std::vector<Place> joining;
  for (const Place& place : places)
    if (!instance.live || !instance.live->member(place))
      joining.push_back(place);
  return joining;
}

Result<Chosen> choose(const Target& target, const AttachOptions& options) {
  for (;;) {
    auto places = locateAll(target);
    if (!places)
      return places.error();
    auto instance = lockOne(target, *places);
    if (!instance)
      return instance.error();
    if (auto restored = restore(*instance, target); !restored && !options.replace)
      return restored.error();
    // What other commands changed until they gave up the lock.
    places = locateAll(target);
    if (!places)
      return places.error();
    const auto now = findOne(target, *places);
    if (!now)
      return now.error();
    if (*now ? (*now)->path != instance->folder.path : instance->live.has_value()) {
      removeIfEmpty(instance->folder);
      continue;
    }
    Chosen chosen{std::move(*instance), std::move(*places)};
    auto may = mayAttach(chosen, target, options);
    if (!may && !chosen.instance.live)
      removeIfEmpty(chosen.instance.folder);
    if (!may)
      return may.error();
    return chosen;
  }
}

} // namespace xdpc::swap
