// Makes, names, locks and lists the folders of pins. Tested in tests/runtime/attach_test.cpp and lock_test.cpp.
#include "runtime/swap/folder.h"

#include <algorithm>
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
#include <tuple>

namespace xdpc::swap {
namespace {

namespace fs = std::filesystem;
using kernel::ErrorKind;
using kernel::Fd;
using kernel::KernelError;

fs::path root(const fs::path& bpffs) {
  return bpffs / "xdpc";
}

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

// Numbers with hyphens between them, nothing else; else empty.
std::vector<uint64_t> numbersIn(std::string_view text) {
  std::vector<uint64_t> numbers;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data();; ++at) {
    uint64_t number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc{} || (parsed.ptr != end && *parsed.ptr != '-'))
      return {};
    numbers.push_back(number);
    at = parsed.ptr;
    if (at == end)
      return numbers;
  }
}

std::optional<Folder> parseFolder(const fs::path& path) {
  const auto numbers = numbersIn(path.filename().native());
  if (numbers.size() != 2 && numbers.size() != 3)
    return std::nullopt;
  return Folder{path, numbers[0], static_cast<uint32_t>(numbers[1])};
}

} // namespace

KernelError nothingAttached(const std::string& device) {
  return {ErrorKind::not_found, ENOENT, fmt::format("no policy of xdpc is attached to `{}`", device)};
}

Result<Done> removePin(const fs::path& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return kernel::systemError(fmt::format("cannot remove `{}`", path.string()), errno);
  return Done{};
}

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

fs::path Folder::link(uint32_t device) const {
  return path / (device == ifindex ? "link" : fmt::format("link-{}", device));
}

Folder folderOf(const fs::path& bpffs, const Place& place, uint32_t number) {
  std::string name = fmt::format("{}-{}", place.netns, place.device.ifindex);
  if (number > 1)
    name += fmt::format("-{}", number);
  return {root(bpffs) / name, place.netns, place.device.ifindex};
}

std::vector<uint32_t> linkedDevices(const Folder& folder) {
  constexpr std::string_view kOther = "link-";
  std::vector<uint32_t> devices;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder.path, failure)) {
    const std::string name = entry.path().filename();
    if (name == "link")
      devices.push_back(folder.ifindex);
    if (!name.starts_with(kOther))
      continue;
    if (const auto numbers = numbersIn(std::string_view(name).substr(kOther.size())); numbers.size() == 1)
      devices.push_back(static_cast<uint32_t>(numbers[0]));
  }
  if (failure && failure.value() != ENOENT) // who may not look can still ask the device
    devices.push_back(folder.ifindex);
  std::sort(devices.begin(), devices.end());
  return devices;
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
    return std::tie(a.netns, a.ifindex, a.path) < std::tie(b.netns, b.ifindex, b.path);
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
        return nothingAttached(device);
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
      return nothingAttached(device);
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
    if (!entry.path().filename().native().starts_with("link"))
      shareAsFolder(folder, entry.path());
  return Done{};
}

void removeIfEmpty(const Folder& folder) {
  if (rmdir(folder.path.c_str()) == 0)
    rmdir(folder.path.parent_path().c_str()); // fails while others are in it
}

} // namespace xdpc::swap
