// See lock_live.h.
#include "runtime/swap/lock_live.h"

#include <fmt/format.h>

namespace xdpc::swap {

kernel::KernelError nothingAttached(const std::string& device) {
  return {kernel::ErrorKind::not_found, 0, fmt::format("no policy of xdpc is attached to `{}`", device)};
}

Result<LockedLive> lockLive(const Target& target) {
  auto place = locate(target);
  if (!place)
    return place.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  const auto folder = folderOf(target, *place);
  if (!folder)
    return folder.error();
  LockedLive locked{.place = *place, .folder = *folder};
  auto lock = lockFolder(locked.folder, place->device.name, IfMissing::fail);
  if (!lock)
    return lock.error();
  locked.lock = std::move(*lock);
  auto live = installed(locked.folder);
  if (!live)
    return live.error();
  locked.live = std::move(*live);
  if (!locked.live)
    return nothingAttached(place->device.name);
  if (locked.live->generation == 0)
    return kernel::KernelError{
        kernel::ErrorKind::busy, 0,
        fmt::format("program {} on `{}` has no pins", locked.live->info.program_id, place->device.name)};
  return locked;
}

} // namespace xdpc::swap
