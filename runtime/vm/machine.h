// One run of a program: registers, memory, maps, and what went wrong. Entry point: Machine::run. A helper's body gets
// the machine and its arguments. Tested by tests/unit/vm.
#pragma once

#include "runtime/vm/decode.h"
#include "runtime/vm/map.h"

#include <string_view>

namespace xdpc::vm {

struct Fault {
  std::string message;      // "reads 4 bytes at byte 14 of the packet, which has 13"
  uint32_t instruction = 0; // number
  uint64_t registers[kRegisters] = {};
};

class Machine {
public:
  Machine(std::vector<Operation> code, Memory& memory, std::vector<std::unique_ptr<Map>>& maps)
      : code_(std::move(code)), memory_(memory), maps_(maps) {}

  // r0 of the program, which gets the context in r1.
  Result<uint64_t, Fault> run(uint64_t budget);

  // For helpers. fail() ends the run after the helper; the result is then not used.
  Memory& memory() { return memory_; }
  uint64_t fail(std::string message) {
    fault_ = std::move(message);
    return 0;
  }
  // Host memory of an argument; after a null the run has failed.
  uint8_t* argument(uint64_t address, uint64_t size, Access access);
  // The map that a handle names; null after fail().
  Map* map(uint64_t handle);
  Ringbuf* ringOf(uint64_t address); // the ring buffer whose region this is, or null

  uint64_t now_ns = 0;
  uint64_t random = 1;

private:
  enum class Step { next, exit };
  struct Caller {
    uint32_t back = 0; // number of the instruction behind the call
    uint64_t saved[4] = {};
  };

  template <class T> bool load(uint64_t address, T& out);
  template <class T> bool store(uint64_t address, T value);
  template <class T> bool atomic(const Operation& op);
  bool helper(uint64_t number);
  bool enter(uint32_t back);
  bool leave(uint32_t& pc); // false: the main program is done
  void badAccess(uint64_t address, uint64_t size, Access access);
  bool interpret(uint64_t budget);

  std::vector<Operation> code_;
  Memory& memory_;
  std::vector<std::unique_ptr<Map>>& maps_;
  uint64_t registers_[16] = {}; // 11 is the immediate; 16, so that four bits cannot miss
  Caller callers_[kMaxDepth] = {};
  uint32_t depth_ = 0;
  uint32_t pc_ = 0; // where it failed
  std::optional<std::string> fault_;
};

} // namespace xdpc::vm
