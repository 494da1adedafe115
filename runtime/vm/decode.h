// Bytecode decoded once into operations that the interpreter can run without checking them again: registers, jump
// targets and reserved fields are known to be good, everything else is Code::invalid. BPF ISA up to v4.
// Entry point: decode. Tested by tests/unit/vm/alu_test.cpp, jump_test.cpp and fuzz_test.cpp.
#pragma once

#include "runtime/object/object.h"

namespace xdpc::vm {

// Operations in 64 and 32 bits. An immediate is a register, too (kImmediate), so that each exists once.
// clang-format off
#define XDPC_VM_ALU(X)                                                                                                 \
  X(add) X(sub) X(mul) X(div) X(mod) X(sdiv) X(smod) X(bit_or) X(bit_and) X(bit_xor) X(lsh) X(rsh) X(arsh) X(neg)      \
  X(mov) X(movsx8) X(movsx16)
// clang-format on
#define XDPC_VM_JUMP(X) X(jeq) X(jne) X(jgt) X(jge) X(jlt) X(jle) X(jsgt) X(jsge) X(jslt) X(jsle) X(jset)

enum class Code : uint8_t {
  invalid,
  past_end, // behind the last instruction
#define XDPC_VM_BOTH(name) name##_64, name##_32,
  XDPC_VM_ALU(XDPC_VM_BOTH) XDPC_VM_JUMP(XDPC_VM_BOTH)
#undef XDPC_VM_BOTH
      movsx32,
  swap16,
  swap32,
  swap64,
  zext16,
  zext32,
  zext64, // zext64 changes nothing
  jump,
  load8,
  load16,
  load32,
  load64,
  loads8,
  loads16,
  loads32,
  store8,
  store16,
  store32,
  store64,
  atomic32,
  atomic64,
  constant,
  call_helper,
  call_function,
  exit,
};

inline constexpr unsigned kRegisters = 11, kImmediate = 11, kFramePointer = 10;

struct Operation {
  Code code = Code::invalid;
  uint8_t dst = 0;
  uint8_t src = 0;    // kImmediate: `imm`
  int32_t offset = 0; // of memory; of jumps and calls the target's number
  uint64_t imm = 0;   // sign-extended; of atomics the operation; of helper calls the helper's number
};
static_assert(sizeof(Operation) == 16);

// As long as the program and one more. `addresses` holds what 64-bit immediates are that refer to maps.
struct ResolvedLoad {
  uint32_t instruction = 0;
  uint64_t address = 0;
};
std::vector<Operation> decode(std::span<const object::Instruction> program, std::span<const ResolvedLoad> loads);

} // namespace xdpc::vm
