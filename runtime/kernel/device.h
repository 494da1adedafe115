// Network devices of the calling thread's namespace, and what runs on their XDP hook. Tested in
// tests/runtime/attach_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::kernel {

enum class XdpMode { native, generic, offload };
const char* modeName(XdpMode mode);

struct Device {
  std::string name;
  uint32_t ifindex = 0;
};

// Suggests the nearest name if there is no such device.
KernelResult<Device> findDevice(const std::string& name);
std::optional<std::string> deviceName(uint32_t ifindex);
std::vector<Device> devices();

struct HookState {
  uint32_t program_id = 0; // 0: the hook is free
  XdpMode mode = XdpMode::native;
};
KernelResult<HookState> hookState(const Device& device);

// A program that is not known to be ours.
struct Stranger {
  uint32_t program_id = 0;
  std::string program_name;
  uint32_t link_id = 0; // 0: attached by netlink
  std::string holder;   // of the link: "`cilium-agent` (process 812)", or empty
};
Stranger findStranger(const Device& device, uint32_t program_id);

// Takes `program` off the hook if it still is what runs there, and puts it back.
KernelResult<Done> detachByNetlink(const Device& device, const Fd& program, XdpMode mode);
KernelResult<Done> attachByNetlink(const Device& device, const Fd& program, XdpMode mode);

} // namespace xdpc::kernel
