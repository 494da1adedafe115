// Tells the live generation from leftovers by program id. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#include "runtime/swap/installed.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {

Result<std::optional<Installed>> installed(const Folder& folder) {
  Installed found{.link = kernel::Fd(bpf_obj_get(folder.link().c_str()))};
  if (!found.link) {
    if (errno == ENOENT)
      return std::optional<Installed>();
    return kernel::systemError(fmt::format("cannot open the pin `{}`", folder.link().string()), errno);
  }
  auto info = kernel::linkInfo(found.link);
  if (!info)
    return info.error();
  if (!info->xdp || info->ifindex == 0)
    return std::optional<Installed>();
  found.info = *info;
  for (const uint32_t number : generations(folder)) {
    auto program = openProgram(folder, number);
    if (!program)
      continue; // half made
    const auto program_info = kernel::programInfo(program->get());
    if (program_info && program_info->id == info->program_id) {
      found.generation = number;
      found.program = std::move(*program);
    }
  }
  return std::optional(std::move(found));
}

Result<Done> clearDead(const Folder& folder, const std::optional<Installed>& live) {
  for (const uint32_t number : generations(folder))
    if (!live || number != live->generation)
      if (auto removed = removeGeneration(folder, number); !removed)
        return removed.error();
  if (!live && unlink(folder.link().c_str()) != 0 && errno != ENOENT)
    return kernel::systemError(fmt::format("cannot remove `{}`", folder.link().string()), errno);
  return Done{};
}

void sweepVanished(const std::filesystem::path& bpffs) {
  const auto folders = allFolders(bpffs);
  if (!folders)
    return;
  for (const auto& folder : *folders) {
    // Looks before it locks: while it holds the lock of a device that is there, other commands are turned away.
    if (const auto seen = installed(folder); !seen || *seen)
      continue;
    const auto lock = lockFolder(folder, {}, IfMissing::fail);
    if (!lock)
      continue;
    const auto live = installed(folder);
    if (live && !*live && clearDead(folder, std::nullopt))
      removeIfEmpty(folder);
  }
}

} // namespace xdpc::swap
