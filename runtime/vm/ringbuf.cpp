// See ringbuf.h. The kernel maps the data twice, so that a record may go over the end; here the memory is twice as
// long.
#include "runtime/vm/ringbuf.h"

#include <algorithm>
#include <cerrno>

namespace xdpc::vm {

Ringbuf::Ringbuf(const abi::Map& shape) : Map(shape, uint64_t{shape.max_entries} * 2) {}

std::optional<uint32_t> Ringbuf::reserve(uint64_t size) {
  uint64_t capacity = shape().max_entries;
  // The kernel never lets the ring become quite full, so that full and empty differ.
  if (size > capacity || used_ + space(size) > capacity - 1)
    return {};
  uint32_t offset = uint32_t(produced_ % capacity + kHeader);
  records_.push_back({offset, uint32_t(size), State::open});
  produced_ += space(size);
  used_ += space(size);
  ++open_;
  return offset;
}

bool Ringbuf::finish(uint64_t offset, End end) {
  auto found = std::find_if(records_.rbegin(), records_.rend(), [&](const Record& record) {
    return record.offset == offset && record.state == State::open;
  });
  if (found == records_.rend())
    return false;
  found->state = end == End::submit ? State::submitted : State::discarded;
  --open_;
  return true;
}

void Ringbuf::discardOpen() {
  for (Record& record : records_)
    if (record.state == State::open)
      record.state = State::discarded;
  open_ = 0;
}

void Ringbuf::drain(const std::function<void(std::span<const uint8_t>)>& record) {
  for (; !records_.empty() && records_.front().state != State::open; records_.pop_front()) {
    const Record& first = records_.front();
    if (first.state == State::submitted)
      record({values() + first.offset, first.size});
    used_ -= space(first.size);
  }
}

int Ringbuf::update(const uint8_t*, const uint8_t*, uint64_t) {
  return -EOPNOTSUPP;
}

int Ringbuf::erase(const uint8_t*) {
  return -EOPNOTSUPP;
}

std::unique_ptr<Map> makeRingbuf(const abi::Map& shape) {
  return std::make_unique<Ringbuf>(shape);
}

} // namespace xdpc::vm
