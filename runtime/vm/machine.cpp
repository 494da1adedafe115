// Calls, faults and the start of a run; the loop is in interpret.cpp.
#include "runtime/vm/machine.h"

#include "runtime/vm/helpers.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::vm {

Result<uint64_t, Fault> Machine::run(uint64_t budget) {
  std::ranges::fill(registers_, 0);
  depth_ = 0;
  fault_.reset();
  registers_[1] = address(kContextRegion, 0);
  registers_[kFramePointer] = memory_.enterFrame(0);
  if (interpret(budget))
    return registers_[0];
  Fault fault{std::move(*fault_), pc_};
  std::copy_n(registers_, kRegisters, fault.registers);
  return fault;
}

uint8_t* Machine::argument(uint64_t address, uint64_t size, Access access) {
  uint8_t* out = memory_.at(address, size, access);
  if (!out)
    badAccess(address, size, access);
  return out;
}

Map* Machine::map(uint64_t handle) {
  uint64_t index = (handle >> 32) - kMapHandles;
  if (handle >> 32 < kMapHandles || index >= maps_.size() || uint32_t(handle) != 0) {
    fail("gives a helper something else than a map");
    return nullptr;
  }
  return maps_[index].get();
}

Ringbuf* Machine::ringOf(uint64_t address) {
  uint64_t index = (address >> 32) - kFirstMapRegion;
  return address >> 32 >= kFirstMapRegion && index < maps_.size() ? maps_[index]->ringbuf() : nullptr;
}

bool Machine::helper(uint64_t number) {
  const Helper* found = findHelper(number);
  if (!found) {
    fail(fmt::format("calls helper {}, which the embedded engine does not have", int64_t(number)));
    return false;
  }
  registers_[0] = found->body(*this, registers_ + 1);
  return !fault_;
}

bool Machine::enter(uint32_t back) {
  if (depth_ + 1 == kMaxDepth) {
    fail(fmt::format("calls deeper than {} functions", kMaxDepth));
    return false;
  }
  Caller& caller = callers_[depth_++];
  caller.back = back;
  std::copy_n(registers_ + 6, 4, caller.saved);
  registers_[kFramePointer] = memory_.enterFrame(depth_);
  return true;
}

bool Machine::leave(uint32_t& pc) {
  if (depth_ == 0)
    return false;
  const Caller& caller = callers_[--depth_];
  pc = caller.back;
  std::copy_n(caller.saved, 4, registers_ + 6);
  registers_[kFramePointer] = memory_.leaveFrame(depth_);
  return true;
}

void Machine::badAccess(uint64_t address, uint64_t size, Access access) {
  fail(fmt::format("{} {} {} at {}", access == Access::read ? "reads" : "writes", size, size == 1 ? "byte" : "bytes",
                   memory_.describe(address)));
}

} // namespace xdpc::vm
