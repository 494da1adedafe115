// Drains the ring buffer with libbpf's consumer. Tested in tests/runtime/events_test.cpp and engine_test.cpp.
#include "runtime/kernel/event_ring.h"

#include <algorithm>
#include <bpf/libbpf.h>
#include <cerrno>

namespace xdpc::kernel {

KernelResult<std::unique_ptr<EventRing>> EventRing::open(int fd, Record record) {
  std::unique_ptr<EventRing> events(new EventRing(std::move(record)));
  const auto take = [](void* context, void* data, size_t size) {
    static_cast<EventRing*>(context)->record_({static_cast<const uint8_t*>(data), size});
    return 0;
  };
  // libbpf would print what it then returns.
  const auto printer = libbpf_set_print(nullptr);
  events->ring_ = ring_buffer__new(fd, take, events.get(), nullptr);
  const int code = errno;
  libbpf_set_print(printer);
  if (!events->ring_)
    return systemError("cannot open the ring buffer of events", code);
  return events;
}

EventRing::~EventRing() {
  ring_buffer__free(ring_);
}

KernelResult<uint32_t> EventRing::drain() {
  const int count = ring_buffer__consume(ring_);
  if (count < 0)
    return systemError("cannot read events", -count);
  return static_cast<uint32_t>(count);
}

KernelResult<uint32_t> EventRing::wait(int timeout_ms) {
  const int count = ring_buffer__poll(ring_, timeout_ms);
  if (count < 0 && count != -EINTR)
    return systemError("cannot read events", -count);
  auto rest = drain(); // also what came without a wake-up
  if (rest)
    *rest += static_cast<uint32_t>(std::max(count, 0));
  return rest;
}

} // namespace xdpc::kernel
