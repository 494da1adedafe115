// What a capture and the program that copies its frames agree on, byte by byte: two maps that every policy has, found
// by their names. A policy of an older xdpc lacks them, and cannot be captured. Tested by tests/live/capture.py.
#pragma once

#include "runtime/abi/manifest.h"

namespace xdpc::abi {

inline constexpr const char* kCaptureMap = ".data.capture"; // one CaptureState
inline constexpr const char* kFramesMap = "frames"; // ring buffer; no more than a page but in a load that captures

// Of a load with kModeCapture: which packets are copied. Those of the rule and verdict, as the policy leaves them, or
// those that a statement emits an event for, as they are then.
struct CaptureState {
  uint64_t lease_ns;    // user space: frames are copied while the coarse clock is below it
  uint64_t matched;     // program: packets that were looked for
  uint64_t lost;        // program: of those that sampling took, the ones without room in the ring
  uint32_t of_events;   // user space from here: 1: packets of events, 0: of rules
  uint32_t slot;        // of a rule, or kAnySlot
  uint32_t verdict;     // a Verdict, or kAnyVerdict
  uint32_t snap_length; // bytes that are copied of a packet at most; at least 1
  uint32_t sample;      // one in so many; at least 1
  uint32_t reserved0;
};
static_assert(sizeof(CaptureState) == 48);
inline constexpr uint32_t kAnySlot = ~uint32_t{0};
inline constexpr uint32_t kAnyVerdict = ~uint32_t{0};

// A record of the ring: this, then the bytes, in a record with room for one of kFrameSizes.
struct FrameHeader {
  uint64_t time_ns;  // CLOCK_MONOTONIC
  uint32_t slot;     // of the rule
  uint32_t length;   // of the packet
  uint32_t captured; // bytes that follow
  uint32_t ifindex;
  uint32_t rx_queue;
  uint8_t verdict; // Verdict, or kNoVerdict where the event's block has none
  uint8_t event;   // index in the manifest, or kNoEvent
  uint16_t reserved0;
};
static_assert(sizeof(FrameHeader) == 32);
inline constexpr uint8_t kNoEvent = 0xff;
inline constexpr uint32_t kFrameSizes[] = {128, 512, 2048, 16384, 65536}; // bytes of a frame

std::optional<uint32_t> mapNamed(const Manifest& manifest, std::string_view name);

} // namespace xdpc::abi
