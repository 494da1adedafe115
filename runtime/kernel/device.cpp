// Looks devices up by name and their XDP hooks by netlink, through libbpf. Tested in tests/runtime/attach_test.cpp and
// stranger_test.cpp.
#include "runtime/kernel/device.h"

#include "runtime/kernel/link.h"
#include "runtime/kernel/program.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <numeric>
#include <vector>

namespace xdpc::kernel {
namespace {

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string nearestDevice(const std::string& name) {
  std::string nearest;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const Device& device : devices())
    // A name that is replaced altogether was not meant: `lo` is no slip of `x0`.
    if (const size_t found = distance(name, device.name);
        found < least && found < std::max(name.size(), device.name.size())) {
      least = found;
      nearest = device.name;
    }
  return nearest;
}

uint32_t modeFlag(XdpMode mode) {
  switch (mode) {
  case XdpMode::generic:
    return XDP_FLAGS_SKB_MODE;
  case XdpMode::offload:
    return XDP_FLAGS_HW_MODE;
  case XdpMode::native:
    break;
  }
  return XDP_FLAGS_DRV_MODE;
}

KernelError hookError(const Device& device, const char* what, int code) {
  KernelError error = systemError(fmt::format("cannot {} `{}`", what, device.name), code);
  if (code == ENODEV)
    error.message = fmt::format("device `{}` vanished", device.name);
  return error;
}

} // namespace

const char* modeName(XdpMode mode) {
  switch (mode) {
  case XdpMode::native:
    return "native";
  case XdpMode::generic:
    return "generic";
  case XdpMode::offload:
    return "offload";
  }
  return "?";
}

KernelResult<Device> findDevice(const std::string& name) {
  const unsigned ifindex = if_nametoindex(name.c_str());
  if (ifindex != 0)
    return Device{name, ifindex};
  KernelError error{ErrorKind::no_device, ENODEV, fmt::format("there is no device `{}`", name)};
  if (const std::string nearest = nearestDevice(name); !nearest.empty())
    error.help = fmt::format("did you mean `{}`?", nearest);
  else
    error.help = "`ip link` lists the devices; with --netns another namespace is searched";
  return error;
}

std::optional<std::string> deviceName(uint32_t ifindex) {
  char name[IF_NAMESIZE];
  if (!if_indextoname(ifindex, name))
    return std::nullopt;
  return name;
}

std::vector<Device> devices() {
  std::vector<Device> found;
  struct if_nameindex* all = if_nameindex();
  for (const auto* device = all; device && device->if_name; ++device)
    found.push_back({device->if_name, device->if_index});
  if (all)
    if_freenameindex(all);
  return found;
}

KernelResult<HookState> hookState(const Device& device) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (const int code = bpf_xdp_query(static_cast<int>(device.ifindex), 0, &query); code != 0)
    return hookError(device, "ask for the XDP program of", -code);
  if (query.drv_prog_id != 0)
    return HookState{query.drv_prog_id, XdpMode::native};
  if (query.skb_prog_id != 0)
    return HookState{query.skb_prog_id, XdpMode::generic};
  if (query.hw_prog_id != 0)
    return HookState{query.hw_prog_id, XdpMode::offload};
  // With one program attached the kernel tells the mode and the id alone.
  const XdpMode mode = query.attach_mode == XDP_ATTACHED_SKB  ? XdpMode::generic
                       : query.attach_mode == XDP_ATTACHED_HW ? XdpMode::offload
                                                              : XdpMode::native;
  return HookState{query.prog_id, mode};
}

Stranger findStranger(const Device& device, uint32_t program_id) {
  Stranger stranger{.program_id = program_id};
  const Fd program(bpf_prog_get_fd_by_id(program_id));
  if (program)
    if (auto info = programInfo(program.get()))
      stranger.program_name = info->name;
  for (uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
    const Fd link(bpf_link_get_fd_by_id(id));
    const auto info = link ? linkInfo(link) : KernelResult<LinkInfo>(KernelError{});
    if (info && info->xdp && info->ifindex == device.ifindex && info->program_id == program_id) {
      stranger.link_id = id;
      stranger.holder = linkHolder(id);
    }
  }
  return stranger;
}

KernelResult<Done> detachByNetlink(const Device& device, const Fd& program, XdpMode mode) {
  LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = program.get());
  if (const int code = bpf_xdp_detach(static_cast<int>(device.ifindex), modeFlag(mode), &options); code != 0)
    return hookError(device, "take the XDP program off", -code);
  return Done{};
}

KernelResult<Done> attachByNetlink(const Device& device, const Fd& program, XdpMode mode) {
  const uint32_t flags = modeFlag(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST;
  if (const int code = bpf_xdp_attach(static_cast<int>(device.ifindex), program.get(), flags, nullptr); code != 0)
    return hookError(device, "attach an XDP program to", -code);
  return Done{};
}

} // namespace xdpc::kernel
