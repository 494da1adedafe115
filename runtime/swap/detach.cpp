// Detaches the link by force and removes its pins. Tested in tests/runtime/attach_test.cpp.
#include "runtime/swap/detach.h"

#include "runtime/swap/installed.h"

#include <fmt/format.h>

namespace xdpc::swap {

Result<Detachment> detach(const Target& target) {
  const auto place = locate(target);
  if (!place)
    return place.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  const Folder folder = folderOf(target.bpffs, *place);
  const auto lock = lockFolder(folder, place->device.name, IfMissing::fail);
  if (!lock)
    return lock.error();
  const auto live = installed(folder);
  if (!live)
    return live.error();
  Detachment result{.device = place->device};
  if (*live) {
    if (auto manifest = readManifest(folder, (*live)->generation))
      result.policy = manifest->policy;
    // By force, as somebody may hold the link open: an inspection must not keep a policy running.
    if (auto detached = kernel::detachLink((*live)->link); !detached)
      return detached.error();
  }
  if (auto cleared = clearDead(folder, std::nullopt); !cleared)
    return cleared.error();
  removeIfEmpty(folder);
  if (!*live)
    return kernel::KernelError{.kind = kernel::ErrorKind::not_found,
                               .message = fmt::format("no policy of xdpc is attached to `{}`", place->device.name)};
  return result;
}

} // namespace xdpc::swap
