// Finds network namespaces in /run/netns and /proc, and moves the calling thread there and back. Tested in
// tests/runtime/attach_test.cpp.
#include "runtime/kernel/netns.h"

#include "runtime/kernel/privilege.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <sched.h>
#include <sys/stat.h>

namespace xdpc::kernel {
namespace {

namespace fs = std::filesystem;
constexpr const char* kOwn = "/proc/thread-self/ns/net";
constexpr const char* kNamed = "/run/netns";

uint64_t inodeOf(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Fd openPath(const std::string& path) {
  return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

} // namespace

KernelResult<Fd> openNetns(const std::string& path_or_name) {
  const bool is_path = path_or_name.find('/') != std::string::npos;
  Fd fd = openPath(is_path ? path_or_name : fmt::format("{}/{}", kNamed, path_or_name));
  if (fd)
    return fd;
  if (errno == ENOENT)
    return KernelError{ErrorKind::no_device,
                       ENOENT,
                       fmt::format("there is no network namespace `{}`", path_or_name),
                       {},
                       is_path ? "" : "`ip netns list` shows those that have a name"};
  return systemError(fmt::format("cannot open the network namespace `{}`", path_or_name), errno);
}

uint64_t currentNetns() {
  return inodeOf(kOwn);
}

uint64_t netnsInode(const Fd& netns) {
  struct stat status{};
  return fstat(netns.get(), &status) == 0 ? status.st_ino : 0;
}

Fd findNetns(uint64_t inode) {
  if (currentNetns() == inode)
    return openPath(kOwn);
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(kNamed, failure))
    if (inodeOf(entry.path()) == inode)
      return openPath(entry.path());
  for (const auto& entry : fs::directory_iterator("/proc", failure)) {
    const std::string path = entry.path().string() + "/ns/net";
    if (std::isdigit(static_cast<unsigned char>(entry.path().filename().c_str()[0])) && inodeOf(path) == inode)
      return openPath(path);
  }
  return {};
}

std::vector<Fd> allNetns() {
  std::map<uint64_t, Fd> found;
  const auto take = [&](const std::string& path) {
    if (const uint64_t inode = inodeOf(path); inode != 0 && !found.contains(inode))
      if (Fd fd = openPath(path))
        found.emplace(inode, std::move(fd));
  };
  take(kOwn);
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(kNamed, failure))
    take(entry.path());
  for (const auto& entry : fs::directory_iterator("/proc", failure))
    if (std::isdigit(static_cast<unsigned char>(entry.path().filename().c_str()[0])))
      take(entry.path().string() + "/ns/net");
  std::vector<Fd> all;
  for (auto& [inode, fd] : found)
    all.push_back(std::move(fd));
  return all;
}

std::string netnsName(uint64_t inode) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(kNamed, failure))
    if (inodeOf(entry.path()) == inode)
      return entry.path().filename();
  return {};
}

KernelResult<NetnsScope> NetnsScope::enter(const std::optional<std::string>& netns) {
  if (!netns)
    return NetnsScope();
  auto fd = openNetns(*netns);
  if (!fd)
    return fd.error();
  return enter(*fd);
}

KernelResult<NetnsScope> NetnsScope::enter(const Fd& netns) {
  NetnsScope scope;
  if (netnsInode(netns) == currentNetns())
    return scope;
  scope.back_ = openPath(kOwn);
  if (!scope.back_)
    return systemError("cannot open the own network namespace", errno);
  if (setns(netns.get(), CLONE_NEWNET) == 0)
    return scope;
  const int code = errno;
  scope.back_.reset();
  if (code == EINVAL)
    return KernelError{ErrorKind::no_device, code, "this is not a network namespace"};
  if (code == EPERM)
    return needsSysAdmin("cannot enter the network namespace");
  return systemError("cannot enter the network namespace", code);
}

NetnsScope::~NetnsScope() {
  if (back_ && setns(back_.get(), CLONE_NEWNET) != 0) {
    // Going on would act on devices of the wrong namespace.
    std::perror("xdpc: cannot return from a network namespace");
    std::abort();
  }
}

} // namespace xdpc::kernel
