// A tiny assembler: one function an instruction, a program is the list of them. Used by tests/unit/vm and unit/object.
//   program({mov(r0, 2), exit()})
#pragma once

#include "runtime/object/object.h"

#include <initializer_list>
#include <linux/bpf.h>
#include <vector>

namespace xdpc::support {

using object::Instruction;
using Program = std::vector<Instruction>;

enum Register : uint8_t { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 };

// `imm` may be given as any 32-bit pattern, signed or not.
inline Instruction insn(unsigned code, unsigned dst, unsigned src, int offset, int64_t imm) {
  Instruction out{};
  out.code = uint8_t(code);
  out.dst = dst & 15;
  out.src = src & 15;
  out.offset = int16_t(offset);
  out.imm = int32_t(imm);
  return out;
}

// op: BPF_ADD …, in 64 or 32 bits, with an immediate or a register.
inline Instruction alu64(unsigned op, Register dst, int64_t imm, int offset = 0) {
  return insn(BPF_ALU64 | op | BPF_K, dst, 0, offset, imm);
}
inline Instruction alu64(unsigned op, Register dst, Register src, int offset = 0) {
  return insn(BPF_ALU64 | op | BPF_X, dst, src, offset, 0);
}
inline Instruction alu32(unsigned op, Register dst, int64_t imm, int offset = 0) {
  return insn(BPF_ALU | op | BPF_K, dst, 0, offset, imm);
}
inline Instruction alu32(unsigned op, Register dst, Register src, int offset = 0) {
  return insn(BPF_ALU | op | BPF_X, dst, src, offset, 0);
}
inline Instruction mov(Register dst, int64_t imm) {
  return alu64(BPF_MOV, dst, imm);
}
inline Instruction mov(Register dst, Register src) {
  return alu64(BPF_MOV, dst, src);
}
inline Instruction add(Register dst, int64_t imm) {
  return alu64(BPF_ADD, dst, imm);
}
inline Instruction add(Register dst, Register src) {
  return alu64(BPF_ADD, dst, src);
}
inline Instruction toBe(Register dst, int bits) {
  return insn(BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}
inline Instruction toLe(Register dst, int bits) {
  return insn(BPF_ALU | BPF_END | BPF_TO_LE, dst, 0, 0, bits);
}
inline Instruction bswap(Register dst, int bits) {
  return insn(BPF_ALU64 | BPF_END, dst, 0, 0, bits);
}

inline Instruction jump(int offset) {
  return insn(BPF_JMP | BPF_JA, 0, 0, offset, 0);
}
inline Instruction jumpLong(int offset) {
  return insn(BPF_JMP32 | BPF_JA, 0, 0, 0, offset);
}
inline Instruction jump64(unsigned op, Register dst, int64_t imm, int offset) {
  return insn(BPF_JMP | op | BPF_K, dst, 0, offset, imm);
}
inline Instruction jump64(unsigned op, Register dst, Register src, int offset) {
  return insn(BPF_JMP | op | BPF_X, dst, src, offset, 0);
}
inline Instruction jump32(unsigned op, Register dst, int64_t imm, int offset) {
  return insn(BPF_JMP32 | op | BPF_K, dst, 0, offset, imm);
}
inline Instruction jump32(unsigned op, Register dst, Register src, int offset) {
  return insn(BPF_JMP32 | op | BPF_X, dst, src, offset, 0);
}

// size: BPF_B, BPF_H, BPF_W, BPF_DW.
inline Instruction load(unsigned size, Register dst, Register base, int offset) {
  return insn(BPF_LDX | BPF_MEM | size, dst, base, offset, 0);
}
inline Instruction loadSigned(unsigned size, Register dst, Register base, int offset) {
  return insn(BPF_LDX | 0x80 | size, dst, base, offset, 0); // BPF_MEMSX
}
inline Instruction store(unsigned size, Register base, int offset, Register src) {
  return insn(BPF_STX | BPF_MEM | size, base, src, offset, 0);
}
inline Instruction storeImmediate(unsigned size, Register base, int offset, int64_t imm) {
  return insn(BPF_ST | BPF_MEM | size, base, 0, offset, imm);
}
// op: BPF_ADD, BPF_ADD | BPF_FETCH, …, BPF_XCHG, BPF_CMPXCHG.
inline Instruction atomic(unsigned size, unsigned op, Register base, int offset, Register src) {
  return insn(BPF_STX | BPF_ATOMIC | size, base, src, offset, op);
}

inline Instruction call(int helper) {
  return insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}
inline Instruction callFunction(int distance) {
  return insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, distance);
}
inline Instruction exit() {
  return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

// A 64-bit immediate: two instructions.
inline Program load64(Register dst, uint64_t value) {
  return {insn(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, int64_t(uint32_t(value))), insn(0, 0, 0, 0, int64_t(value >> 32))};
}

// Joins instructions and lists of them.
struct Piece {
  Program instructions;
  Piece(Instruction one) : instructions{one} {}
  Piece(Program many) : instructions(std::move(many)) {}
};
inline Program program(std::initializer_list<Piece> pieces) {
  Program out;
  for (const Piece& piece : pieces)
    out.insert(out.end(), piece.instructions.begin(), piece.instructions.end());
  return out;
}

} // namespace xdpc::support
