// BPF links: what holds a program on a device's XDP hook. Closing the last descriptor or pin of a link detaches it.
// Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#pragma once

#include "runtime/kernel/device.h"
#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>
#include <string>

namespace xdpc::kernel {

struct LinkInfo {
  uint32_t id = 0;
  uint32_t program_id = 0;
  uint32_t ifindex = 0; // 0: the device vanished, or the link was detached by force
  bool xdp = false;
};
KernelResult<LinkInfo> linkInfo(const Fd& link);

// Who holds the link open: "`name` (process 812)", or empty (then it is pinned somewhere).
std::string linkHolder(uint32_t link_id);

// The device is looked for in the calling thread's network namespace.
KernelResult<Fd> createXdpLink(const Fd& program, const Device& device, XdpMode mode);

// One atomic change from `old_program` to `program`; nothing happens if another one runs meanwhile.
KernelResult<Done> updateLink(const Fd& link, const Fd& program, const Fd& old_program, const std::string& device);

KernelResult<Done> detachLink(const Fd& link);

} // namespace xdpc::kernel
