// What a network device says of itself: its driver, MTU, and which parts of XDP the driver has. Tested by
// tests/live/features.py.
#pragma once

#include "runtime/kernel/device.h"

#include <cstdint>
#include <optional>
#include <string>

namespace xdpc::kernel {

// enum netdev_xdp_act of include/uapi/linux/netdev.h.
enum XdpFeature : uint64_t {
  kXdpBasic = 1,      // native mode: pass, drop, tx, abort
  kXdpRedirect = 2,   // redirect from it
  kXdpTransmit = 4,   // it is a target of redirects
  kXdpZeroCopy = 8,   // of AF_XDP sockets
  kXdpHardware = 16,  // offload
  kXdpFragments = 32, // frames of several buffers
  kXdpTransmitFragments = 64,
};

struct DeviceFacts {
  std::string driver; // empty if it tells none
  uint32_t mtu = 0;
  std::optional<uint64_t> xdp_features; // nothing before Linux 6.3, which has no way to ask
};

// The device is looked for in the calling thread's network namespace.
KernelResult<DeviceFacts> deviceFacts(const Device& device);

} // namespace xdpc::kernel
