// BPF_PROG_TEST_RUN: runs a loaded program over frames without a device, times it, or injects live frames. Tested in
// tests/runtime/engine_test.cpp.
#pragma once

#include "runtime/abi/abi.h"
#include "runtime/abi/key.h"
#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>
#include <span>
#include <vector>

namespace xdpc::kernel {

inline constexpr size_t kShortestFrame = 14;
inline constexpr size_t kLongestFrame = 65535;

// Runs `program` once. `frame` becomes what the program left; the return value is the program's.
KernelResult<uint32_t> runOnce(const Fd& program, std::span<const uint8_t> bytes, abi::Bytes& frame);

struct Timing {
  double ns = 0; // a run, by this process's clock around the call: finer than the kernel's when repeat is large
  uint32_t kernel_ns = 0; // a run, by the kernel, in whole ns
};
// Runs `program` `repeat` times over one frame in one call (a program that changes the frame sees its own changes).
KernelResult<Timing> timeRuns(const Fd& program, std::span<const uint8_t> frame, uint32_t repeat);
// The mean over all frames, each run `repeat` times.
KernelResult<Timing> timeRuns(const Fd& program, std::span<const abi::Bytes> frames, uint32_t repeat);

// Sends `count` copies of the frame through `program` as if received by the device, and does what the program says:
// XDP_TX leaves through that device. The device is of the calling thread's network namespace.
KernelResult<Done> injectFrames(const Fd& program, std::span<const uint8_t> frame, uint32_t ifindex, uint32_t count,
                                uint32_t batch = 64);

} // namespace xdpc::kernel
