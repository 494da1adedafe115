// BPF_MAP_TYPE_RINGBUF: records in the order of their reservation, with the kernel's accounting of space.
// kernel/bpf/ringbuf.c. Tested by tests/unit/vm/ringbuf_test.cpp.
#pragma once

#include "runtime/vm/map.h"

#include <deque>

namespace xdpc::vm {

class Ringbuf : public Map {
public:
  explicit Ringbuf(const abi::Map& shape);

  // Offset of `size` bytes in values(), or nothing if there is no room.
  std::optional<uint32_t> reserve(uint64_t size);
  enum class End : bool { submit, discard };
  bool finish(uint64_t offset, End end);   // false: nothing is reserved there
  bool open() const { return open_ != 0; } // a reserved record is neither submitted nor discarded
  void discardOpen();                      // after a program that failed
  void drain(const std::function<void(std::span<const uint8_t>)>& record);

  std::optional<uint32_t> find(const uint8_t*, Touch) override { return {}; }
  int update(const uint8_t*, const uint8_t*, uint64_t) override;
  int erase(const uint8_t*) override;
  const uint8_t* next(const uint8_t*) override { return nullptr; }
  Ringbuf* ringbuf() override { return this; }

private:
  enum class State : uint8_t { open, submitted, discarded };
  struct Record {
    uint32_t offset = 0, size = 0;
    State state = State::open;
  };
  static uint64_t space(uint64_t size) { return (size + kHeader + 7) / 8 * 8; }
  static constexpr uint64_t kHeader = 8; // BPF_RINGBUF_HDR_SZ

  std::deque<Record> records_;
  uint64_t used_ = 0;     // bytes of `records_`
  uint64_t produced_ = 0; // bytes ever
  uint32_t open_ = 0;
};

} // namespace xdpc::vm
