// Packets of a running policy in flight, without a change to it: a load of its own code that copies frames (abi::
// kModeCapture) takes its place, over the same maps, as long as somebody reads: on the links, or, during a trial, as
// what the trial hands over to. Afterwards, or at the next command that changes something if the reader was killed, the
// policy itself is back. Entry point: followFrames. Tested by tests/live/capture.py.
#pragma once

#include "runtime/abi/capture.h"
#include "runtime/swap/instance.h"
#include "runtime/swap/open.h"

#include <atomic>
#include <functional>
#include <span>

namespace xdpc::swap {

struct CaptureRequest {
  std::optional<std::string> rule; // that decides; none: any
  std::optional<abi::Verdict> verdict;
  bool of_events = false; // instead: packets that events are emitted for
  uint32_t snap_length = 65536;
  uint32_t sample = 1;             // one in so many
  uint32_t ring_bytes = 32u << 20; // a power of two
};

struct FrameSink {
  std::function<void(const LivePolicy&)> policy; // before the first frame of a policy: at the start and after each swap
  std::function<void(const abi::FrameHeader&, std::span<const uint8_t>)> frame; // oldest first
  std::function<void()> rest;                                                   // nothing more is there at the moment
};

struct CaptureTotals {
  uint64_t matched = 0; // packets of the kind that was asked for
  uint64_t lost = 0;    // that nobody had room for
};
struct CaptureEnd {
  CaptureTotals totals;
  std::optional<kernel::KernelError> gone; // the policy, its device or the rule
};

// Returns within a quarter of a second after `stop` was set (a sink may set it), at once if a signal came. An error
// only if nothing was captured yet.
Result<CaptureEnd> followFrames(const Target& target, const CaptureRequest& request, const FrameSink& sink,
                                const std::atomic<bool>& stop);

// Puts the policy back on the link if whoever captured is dead. The caller has the folder's lock.
Result<Done> endDeadCapture(Instance& instance, const Target& target);

} // namespace xdpc::swap
