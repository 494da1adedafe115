// Reads the events of a live policy as they come, across swaps. One reader at a time: it holds the lock of the
// generation's folder, and renews the lease without which the program writes nothing. Entry point: followEvents. Tested
// in tests/runtime/events_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/swap/target.h"

#include <atomic>
#include <functional>
#include <span>

namespace xdpc::swap {

struct EventSink {
  // Before the first record of a policy: at the start and after each swap.
  std::function<void(const abi::Manifest&)> policy;
  // As abi::EventHeader says, oldest first.
  std::function<void(std::span<const uint8_t>)> record;
  // Nothing more is there at the moment.
  std::function<void()> rest = {};
  // So many more events found no room in the ring buffer. Told once a second, and at the end.
  std::function<void(uint64_t)> lost = {};
};

enum class EventsEnd {
  stopped,  // `stop` was set
  detached, // the policy or its device is gone
};

// Returns within a quarter of a second after `stop` was set (a sink may set it), at once if a signal came.
Result<EventsEnd> followEvents(const Target& target, const EventSink& sink, const std::atomic<bool>& stop);

} // namespace xdpc::swap
