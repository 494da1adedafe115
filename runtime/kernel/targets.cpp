// Looks targets up and puts them into their maps.
#include "runtime/kernel/targets.h"

#include "runtime/kernel/device.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::kernel {
namespace {

// Frames that may wait for a CPU before more are dropped.
constexpr uint32_t kCpuQueue = 2048;

std::string onlineCpus() {
  const Fd file(open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t size = file ? read(file.get(), text, sizeof text) : 0;
  std::string_view line(text, size > 0 ? static_cast<size_t>(size) : 0);
  return std::string(line.substr(0, line.find('\n')));
}

// In a list as the kernel writes it: "0-3,6".
bool inList(std::string_view list, uint32_t cpu) {
  const char *at = list.data(), *end = at + list.size();
  while (at < end) {
    uint32_t low = 0, high = 0;
    at = std::from_chars(at, end, low).ptr;
    high = low;
    if (at < end && *at == '-')
      at = std::from_chars(at + 1, end, high).ptr;
    if (cpu >= low && cpu <= high)
      return true;
    ++at; // the comma
  }
  return false;
}

KernelError noCpu(uint32_t cpu, const std::string& online) {
  return {ErrorKind::no_device,
          ENODEV,
          fmt::format("the policy redirects to CPU {}, which this machine does not have", cpu),
          {},
          online.empty() ? "" : fmt::format("CPUs {} are online", online)};
}

KernelResult<uint32_t> valueOf(const abi::Target& target) {
  if (target.kind == abi::TargetKind::cpu) {
    const std::string online = onlineCpus();
    if (!online.empty() && !inList(online, target.key))
      return noCpu(target.key, online);
    return kCpuQueue;
  }
  auto device = findDevice(target.name);
  if (device)
    return device->ifindex;
  KernelError error = device.error();
  error.message = fmt::format("the policy redirects to `{}`: {}", target.name, error.message);
  return error;
}

KernelResult<Done> fill(const abi::Target& target, int map) {
  const auto value = valueOf(target);
  if (!value)
    return value.error();
  if (bpf_map_update_elem(map, &target.key, &*value, BPF_ANY) == 0)
    return Done{};
  const int code = errno;
  if (target.kind == abi::TargetKind::cpu && (code == ENODEV || code == E2BIG))
    return noCpu(target.key, onlineCpus());
  return systemError(target.kind == abi::TargetKind::cpu ? fmt::format("cannot redirect to CPU {}", target.key)
                                                         : fmt::format("cannot redirect to `{}`", target.name),
                     code);
}

} // namespace

KernelResult<Done> fillTargets(const abi::Manifest& manifest, const LiveMaps& maps) {
  for (const abi::Target& target : manifest.targets) {
    if (target.kind == abi::TargetKind::socket)
      continue;
    if (auto filled = fill(target, maps.fd(target.map)); !filled)
      return filled.error();
  }
  return Done{};
}

} // namespace xdpc::kernel
