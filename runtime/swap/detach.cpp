// Detaches the link by force and removes its pins. Tested in tests/runtime/attach_test.cpp.
#include "runtime/swap/detach.h"

#include "runtime/swap/installed.h"
#include "runtime/swap/lock_live.h"

#include <fmt/format.h>

namespace xdpc::swap {

namespace {

// `what` is how messages name it.
Result<Detachment> detachIn(const Folder& folder, const kernel::Device& device, const std::string& what) {
  const auto lock = lockFolder(folder, what, IfMissing::fail);
  if (!lock)
    return lock.error();
  const auto live = installed(folder);
  if (!live)
    return live.error();
  Detachment result{.device = device};
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
    return nothingAttached(what);
  return result;
}

} // namespace

Result<Detachment> detach(const Target& target) {
  const auto place = locate(target);
  if (!place)
    return place.error();
  if (auto mounted = requireBpffs(target.bpffs); !mounted)
    return mounted.error();
  const auto folder = folderOf(target, *place);
  if (!folder)
    return folder.error();
  return detachIn(*folder, place->device, place->device.name);
}

Result<Detachment> detachLink(const std::filesystem::path& bpffs, uint32_t link_id) {
  if (auto mounted = requireBpffs(bpffs); !mounted)
    return mounted.error();
  const auto folders = allFolders(bpffs);
  if (!folders)
    return folders.error();
  for (const Folder& folder : *folders)
    if (const auto live = installed(folder); live && *live && (*live)->info.id == link_id)
      return detachIn(folder, {}, fmt::format("link {}", link_id));
  return kernel::KernelError{.kind = kernel::ErrorKind::not_found,
                             .message = fmt::format("no policy of xdpc is attached by link {}", link_id),
                             .help = "`xdpc list --json` shows the links"};
}

} // namespace xdpc::swap
