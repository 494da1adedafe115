// Where control goes on behind an instruction. For fold_config.cpp and compact.cpp.
#pragma once

#include "runtime/object/object.h"

#include <linux/bpf.h>

namespace xdpc::object {

inline constexpr Instruction kNothing{.code = BPF_JMP | BPF_JA, .dst = 0, .src = 0, .offset = 0, .imm = 0};
inline constexpr uint8_t kLoadImmediate64 = BPF_LD | BPF_IMM | BPF_DW; // which takes two instructions
inline constexpr unsigned kRegisters = 16;                             // as many as an instruction can name

inline bool isJump(const Instruction& at) {
  const unsigned kind = BPF_CLASS(at.code);
  return kind == BPF_JMP || kind == BPF_JMP32;
}
inline bool isCall(const Instruction& at) {
  return isJump(at) && BPF_OP(at.code) == BPF_CALL;
}
inline bool branches(const Instruction& at) {
  return isJump(at) && BPF_OP(at.code) != BPF_CALL && BPF_OP(at.code) != BPF_EXIT;
}
// To what stands behind it.
inline bool goesOn(const Instruction& at) {
  return !isJump(at) || (BPF_OP(at.code) != BPF_EXIT && BPF_OP(at.code) != BPF_JA);
}
// Whether it jumps by its immediate: BPF_JMP32 | BPF_JA, of Linux 6.6.
inline bool isLongJump(const Instruction& at) {
  return BPF_CLASS(at.code) == BPF_JMP32 && BPF_OP(at.code) == BPF_JA;
}
// Of one that branches.
inline size_t targetOf(const std::vector<Instruction>& program, size_t place) {
  const Instruction& jump = program[place];
  return place + 1 + (isLongJump(jump) ? jump.imm : jump.offset);
}
// A call of the program's own function, or its address: `place + 1 + imm` is where that begins.
inline bool namesFunction(const Instruction& at) {
  return (at.code == kLoadImmediate64 && at.src == BPF_PSEUDO_FUNC) || (isCall(at) && at.src == BPF_PSEUDO_CALL);
}

} // namespace xdpc::object
