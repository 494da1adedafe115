// Creates, updates and detaches XDP links, and says in words what the kernel says by errno alone. Tested in
// tests/runtime/attach_test.cpp and swap_test.cpp.
#include "runtime/kernel/link.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <linux/if_link.h>

namespace xdpc::kernel {
namespace {

namespace fs = std::filesystem;

std::string readText(const fs::path& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[4096];
  const ssize_t size = file ? read(file.get(), buffer, sizeof buffer) : 0;
  return std::string(buffer, size > 0 ? size : 0);
}

bool holdsLink(const fs::path& process, const std::string& line) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(process / "fdinfo", failure))
    if (readText(entry.path()).find(line) != std::string::npos)
      return true;
  return false;
}

// What link creation says by errno alone, in words. `mode` is what was asked for.
KernelError createError(const Device& device, XdpMode mode, int code) {
  const char* name = modeName(mode);
  switch (code) {
  case ENODEV:
  case EINVAL:
    if (!deviceName(device.ifindex))
      return {ErrorKind::device, ENODEV, fmt::format("device `{}` vanished", device.name)};
    break;
  case EOPNOTSUPP:
    return {ErrorKind::device, code, fmt::format("the driver of `{}` has no {} mode", device.name, name)};
  case ERANGE:
    return {ErrorKind::device, code, fmt::format("the MTU of `{}` is too large for {} mode", device.name, name)};
  case EBUSY:
  case EEXIST:
    return {ErrorKind::busy, code, fmt::format("`{}` already carries an XDP program", device.name)};
  default:
    break;
  }
  KernelError error = systemError(fmt::format("cannot attach to `{}` in {} mode", device.name, name), code);
  if (error.kind == ErrorKind::system)
    error.kind = ErrorKind::device;
  return error;
}

} // namespace

KernelResult<LinkInfo> linkInfo(const Fd& link) {
  bpf_link_info info{};
  uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
    return systemError("cannot ask for a link", errno);
  const bool xdp = info.type == BPF_LINK_TYPE_XDP;
  return LinkInfo{info.id, info.prog_id, xdp ? info.xdp.ifindex : 0, xdp};
}

std::string linkHolder(uint32_t link_id) {
  const std::string line = fmt::format("link_id:\t{}\n", link_id);
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator("/proc", failure)) {
    const std::string process = entry.path().filename();
    if (!std::isdigit(static_cast<unsigned char>(process[0])) || process == std::to_string(getpid()) ||
        !holdsLink(entry.path(), line))
      continue;
    std::string name = readText(entry.path() / "comm");
    name.resize(std::min(name.find('\n'), name.size()));
    return fmt::format("`{}` (process {})", name, process);
  }
  return {};
}

KernelResult<Fd> createXdpLink(const Fd& program, const Device& device, XdpMode mode) {
  LIBBPF_OPTS(bpf_link_create_opts, options,
              .flags = mode == XdpMode::generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
  Fd link(bpf_link_create(program.get(), static_cast<int>(device.ifindex), BPF_XDP, &options));
  if (!link)
    return createError(device, mode, errno);
  return link;
}

KernelResult<Done> updateLink(const Fd& link, const Fd& program, const Fd& old_program, const std::string& device) {
  LIBBPF_OPTS(bpf_link_update_opts, options, .flags = BPF_F_REPLACE,
              .old_prog_fd = static_cast<uint32_t>(old_program.get()));
  if (!link) // as below
    return systemError(fmt::format("cannot swap the program on `{}`", device), EACCES);
  if (bpf_link_update(link.get(), program.get(), &options) == 0)
    return Done{};
  const int code = errno;
  switch (code) {
  case ENOLINK:
  case ENODEV:
    return KernelError{ErrorKind::device, code, fmt::format("device `{}` vanished", device)};
  case EPERM: // what the kernel says to a wrong `old_prog_fd`; holding the link is all the privilege that it takes
    return KernelError{ErrorKind::busy, code, fmt::format("another program was put on `{}` meanwhile", device)};
  default: {
    KernelError error = systemError(fmt::format("cannot swap the program on `{}`", device), code);
    if (error.kind == ErrorKind::system)
      error.kind = ErrorKind::device;
    return error;
  }
  }
}

KernelResult<Done> detachLink(const Fd& link) {
  if (!link) // its pin may be seen, and not opened
    return systemError("cannot detach a link", EACCES);
  if (bpf_link_detach(link.get()) != 0 && errno != ENOLINK)
    return systemError("cannot detach a link", errno);
  return Done{};
}

} // namespace xdpc::kernel
