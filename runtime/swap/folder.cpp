// Makes, names, locks and lists the folders of pins. Tested in tests/runtime/attach_test.cpp and lock_test.cpp.
#include "runtime/swap/folder.h"

#include "runtime/kernel/link.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <thread>

namespace xdpc::swap {
namespace {

namespace fs = std::filesystem;
using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

fs::path root(const fs::path& bpffs) {
  return bpffs / "xdpc";
}

constexpr int kAttempts = 10; // how often a reader that has no lock is willing to be overtaken by swaps
constexpr auto kPatience = std::chrono::seconds(2); // commands are over in less, but for those that follow something
constexpr auto kPause = std::chrono::milliseconds(5);

KernelError cannotMake(const fs::path& path, int code) {
  return kernel::systemError(fmt::format("cannot make `{}`", path.string()), code);
}

// 0, or why not.
int makePrivate(const fs::path& path) {
  return mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

// Waits for another command to finish, for a while. 0, or why not.
int lockPatiently(const Fd& folder) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline)
      return errno;
    std::this_thread::sleep_for(kPause);
  }
  return 0;
}

bool stillThere(const fs::path& path, const Fd& folder) {
  struct stat held{}, named{};
  return fstat(folder.get(), &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

std::optional<Folder> parseFolder(const fs::path& path) {
  const std::string name = path.filename();
  Folder folder{path};
  const char* const end = name.data() + name.size();
  const auto netns = std::from_chars(name.data(), end, folder.netns);
  if (netns.ec != std::errc{} || netns.ptr == end || *netns.ptr != '-')
    return std::nullopt;
  const auto ifindex = std::from_chars(netns.ptr + 1, end, folder.ifindex);
  if (ifindex.ec != std::errc{} || ifindex.ptr != end)
    return std::nullopt;
  return folder;
}

// Of a device that is still there.
std::optional<kernel::LinkInfo> linkIn(const Folder& folder) {
  const Fd link(bpf_obj_get(folder.link().c_str()));
  const auto info = link ? kernel::linkInfo(link) : Result<kernel::LinkInfo>(KernelError{});
  return info && info->xdp && info->ifindex != 0 ? std::optional(*info) : std::nullopt;
}

std::optional<Folder> folderOfProgram(const fs::path& bpffs, uint32_t program_id) {
  const auto folders = allFolders(bpffs);
  if (!folders)
    return std::nullopt;
  for (const Folder& folder : *folders)
    if (const auto link = linkIn(folder); link && link->program_id == program_id)
      return folder;
  return std::nullopt;
}

KernelError movedAway(const std::string& device, uint32_t link_id) {
  return {ErrorKind::busy,
          EEXIST,
          fmt::format("the pins in the place of `{}` belong to a device that was moved to another network namespace",
                      device),
          {},
          fmt::format("`xdpc list` shows it; `xdpc detach --link {}` takes its policy off", link_id)};
}

KernelError nothingThere(const std::string& device) {
  return {ErrorKind::not_found, ENOENT, fmt::format("no policy of xdpc is attached to `{}`", device)};
}

} // namespace

Result<Done> requireBpffs(const fs::path& path) {
  struct statfs status{};
  const bool exists = statfs(path.c_str(), &status) == 0;
  if (!exists && (errno == EACCES || errno == EPERM))
    return kernel::systemError(fmt::format("cannot look at `{}`", path.string()), errno);
  if (exists && status.f_type == BPF_FS_MAGIC)
    return Done{};
  return KernelError{ErrorKind::no_bpffs,
                     exists ? EINVAL : ENOENT,
                     fmt::format("no bpffs is mounted on `{}`", path.string()),
                     {},
                     fmt::format("mount it: `sudo {}mount -t bpf bpf {}`",
                                 exists ? "" : fmt::format("mkdir -p {0} && sudo ", path.string()), path.string())};
}

Result<Folder> folderOf(const Target& target, const Place& place) {
  const Folder own{root(target.bpffs) / fmt::format("{}-{}", place.netns, place.device.ifindex), place.netns,
                   place.device.ifindex};
  uint32_t on_device = place.hook.program_id;
  for (int attempt = 1;; ++attempt) {
    const auto link = linkIn(own);
    if (link && link->program_id == on_device)
      return own;
    if (auto moved = on_device == 0 ? std::nullopt : folderOfProgram(target.bpffs, on_device))
      return *moved;
    if (!link)
      return own;
    if (attempt == kAttempts)
      return movedAway(place.device.name, link->id);
    const auto again = locate(target); // it may be a swap that came between the two looks
    if (!again)
      return again.error();
    on_device = again->hook.program_id;
  }
}

Result<std::vector<Folder>> allFolders(const fs::path& bpffs) {
  std::vector<Folder> folders;
  std::error_code failure;
  fs::directory_iterator entries(root(bpffs), failure);
  if (failure.value() == ENOENT)
    return folders;
  if (failure)
    return kernel::systemError(fmt::format("cannot read `{}`", root(bpffs).string()), failure.value());
  for (const auto& entry : entries)
    if (auto folder = parseFolder(entry.path()))
      folders.push_back(*folder);
  std::sort(folders.begin(), folders.end(), [](const Folder& a, const Folder& b) {
    return std::pair(a.netns, a.ifindex) < std::pair(b.netns, b.ifindex);
  });
  return folders;
}

Result<Fd> lockFolder(const Folder& folder, const std::string& device, IfMissing missing) {
  for (;;) {
    if (missing == IfMissing::create) {
      if (const int code = makePrivate(folder.path.parent_path()))
        return cannotMake(folder.path.parent_path(), code);
      if (auto trusted = requireTrusted(folder.path.parent_path()); !trusted)
        return trusted.error();
      const int code = makePrivate(folder.path);
      if (code == ENOENT)
        continue; // another command removed the one above
      if (code)
        return cannotMake(folder.path, code);
    }
    Fd fd(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
      if (errno != ENOENT)
        return kernel::systemError(fmt::format("cannot open `{}`", folder.path.string()), errno);
      if (missing == IfMissing::fail)
        return nothingThere(device);
      continue; // another command removed it between the two calls
    }
    for (const auto& path : {folder.path.parent_path(), folder.path})
      if (auto trusted = requireTrusted(path); !trusted)
        return trusted.error();
    if (const int code = lockPatiently(fd)) {
      if (code != EWOULDBLOCK)
        return kernel::systemError(fmt::format("cannot lock `{}`", folder.path.string()), code);
      return KernelError{ErrorKind::busy,
                         EWOULDBLOCK,
                         fmt::format("another xdpc is at work on `{}`", device),
                         {},
                         "try again when it has finished"};
    }
    // Whoever had the lock before may have removed the folder: then this lock guards nothing.
    if (stillThere(folder.path, fd))
      return fd;
    if (missing == IfMissing::fail)
      return nothingThere(device);
  }
}

Result<Done> requireTrusted(const fs::path& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? Result<Done>(Done{})
                           : kernel::systemError(fmt::format("cannot look at `{}`", path.string()), errno);
  const bool trusted = S_ISDIR(status.st_mode) && (status.st_uid == 0 || status.st_uid == geteuid()) &&
                       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (trusted)
    return Done{};
  return notTrusted(path.string(), !S_ISDIR(status.st_mode) ? "it is no directory"
                                   : (status.st_mode & (S_IWGRP | S_IWOTH)) != 0
                                       ? fmt::format("others may write into it (mode {:04o})", status.st_mode & 07777)
                                       : fmt::format("it belongs to user {}", status.st_uid));
}

KernelError notTrusted(const std::string& what, const std::string& why) {
  return {ErrorKind::refused,
          0,
          fmt::format("`{}` is not trusted: {}", what, why),
          {},
          "find out who did that; `sudo rm -r` on the folder takes the policy off, and xdpc begins anew"};
}

void shareAsFolder(const Folder& folder, const fs::path& path) {
  struct stat status{};
  if (stat(folder.path.c_str(), &status) != 0 || (status.st_mode & S_IRGRP) == 0)
    return;
  struct stat own{};
  if (lstat(path.c_str(), &own) != 0)
    return;
  // Whoever cannot do it is not asked to: the pins are the owner's alone then.
  (void)!lchown(path.c_str(), -1, status.st_gid);
  (void)chmod(path.c_str(), S_ISDIR(own.st_mode) ? 0750 : 0640);
}

Result<Done> shareWithGroup(const Folder& folder, uint32_t group) {
  if (chown(folder.path.c_str(), -1, group) != 0 || chmod(folder.path.c_str(), 0750) != 0)
    return kernel::systemError(fmt::format("cannot give `{}` to the group {}", folder.path.string(), group), errno);
  chmod(folder.path.parent_path().c_str(), 0755); // names of interfaces and no more
  std::error_code failure;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path, failure))
    if (entry.path() != folder.link())
      shareAsFolder(folder, entry.path());
  return Done{};
}

void removeIfEmpty(const Folder& folder) {
  if (rmdir(folder.path.c_str()) == 0)
    rmdir(folder.path.parent_path().c_str()); // fails while others are in it
}

} // namespace xdpc::swap
