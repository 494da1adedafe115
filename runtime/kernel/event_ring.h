// The user-space end of a policy's ring buffer. Tested in tests/runtime/events_test.cpp.
#pragma once

#include "runtime/kernel/error.h"

#include <functional>
#include <memory>
#include <span>

struct ring_buffer;

namespace xdpc::kernel {

class EventRing {
public:
  using Record = std::function<void(std::span<const uint8_t>)>;

  // `fd` of the map, which has to stay open no longer than this call.
  static KernelResult<std::unique_ptr<EventRing>> open(int fd, Record record);
  ~EventRing();

  // Hands over all records that are there, oldest first, and says how many.
  KernelResult<uint32_t> drain();
  // The same, after waiting for some until the time is up or a signal came.
  KernelResult<uint32_t> wait(int timeout_ms);

private:
  explicit EventRing(Record record) : record_(std::move(record)) {}
  Record record_;
  ring_buffer* ring_ = nullptr;
};

} // namespace xdpc::kernel
