// The three uses of BPF_PROG_TEST_RUN. Tested in tests/runtime/engine_test.cpp.
#include "runtime/kernel/test_run.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::kernel {
namespace {

// A program may move the packet's ends outwards: head room in front, a page behind.
constexpr size_t kGrowth = 256 + 4096;

KernelError runError(size_t size, int code) {
  if (code == EPERM)
    return systemError("cannot run the program", code);
  return {ErrorKind::refused, code,
          fmt::format("this kernel does not run a frame of {} bytes: {}", size, strerror(code))};
}

} // namespace

KernelResult<uint32_t> runOnce(const Fd& program, std::span<const uint8_t> bytes, abi::Bytes& frame) {
  if (bytes.size() < kShortestFrame || bytes.size() > kLongestFrame)
    return KernelError{ErrorKind::refused, EINVAL,
                       fmt::format("the kernel runs frames of {} to {} bytes, not of {}", kShortestFrame, kLongestFrame,
                                   bytes.size())};
  frame.resize(bytes.size() + kGrowth);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes.data(), .data_out = frame.data(),
              .data_size_in = static_cast<uint32_t>(bytes.size()), .data_size_out = static_cast<uint32_t>(frame.size()),
              .repeat = 1);
  if (bpf_prog_test_run_opts(program.get(), &options) != 0)
    return runError(bytes.size(), errno);
  frame.resize(options.data_size_out);
  return options.retval;
}

KernelResult<Timing> timeRuns(const Fd& program, std::span<const uint8_t> frame, uint32_t repeat) {
  using Clock = std::chrono::steady_clock;
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = static_cast<uint32_t>(frame.size()),
              .repeat = static_cast<int>(repeat));
  const auto start = Clock::now();
  if (bpf_prog_test_run_opts(program.get(), &options) != 0)
    return runError(frame.size(), errno);
  const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
  return Timing{spent.count() / repeat, options.duration};
}

KernelResult<Timing> timeRuns(const Fd& program, std::span<const abi::Bytes> frames, uint32_t repeat) {
  Timing sum;
  for (const auto& frame : frames) {
    const auto timing = timeRuns(program, std::span(frame), repeat);
    if (!timing)
      return timing.error();
    sum.ns += timing->ns;
    sum.kernel_ns += timing->kernel_ns;
  }
  const auto count = static_cast<uint32_t>(std::max<size_t>(frames.size(), 1));
  return Timing{sum.ns / count, sum.kernel_ns / count};
}

KernelResult<Done> injectFrames(const Fd& program, std::span<const uint8_t> frame, uint32_t ifindex, uint32_t count,
                                uint32_t batch) {
  xdp_md context{.data_end = static_cast<uint32_t>(frame.size()), .ingress_ifindex = ifindex};
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = static_cast<uint32_t>(frame.size()),
              .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = static_cast<int>(count),
              .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = std::min(batch, count));
  if (bpf_prog_test_run_opts(program.get(), &options) != 0)
    return systemError("cannot inject frames", errno);
  return Done{};
}

} // namespace xdpc::kernel
