// Every arithmetic operation and jump with operands and the result by the instruction set's definition. The embedded
// engine and the kernel are held against the same table. Used by tests/unit/vm/alu_test.cpp and kernel_test.cpp.
#pragma once

#include "tests/support/bpf_asm.h"

#include <string>

namespace xdpc::support {

// r1 = a, r2 = b, then `operation` on r1 and perhaps r2 leaves `expected` in r1.
struct AluCase {
  std::string name;
  Instruction operation;
  uint64_t a, b, expected;
};

inline const uint64_t kMin64 = 0x8000000000000000, kMin32 = 0x80000000, kAll = ~uint64_t{0};

inline std::vector<AluCase> aluCases() {
  constexpr unsigned kAdd = BPF_ADD, kSub = BPF_SUB, kMul = BPF_MUL, kDiv = BPF_DIV, kMod = BPF_MOD;
  return {
      {"add", alu64(kAdd, r1, r2), kAll, 2, 1},
      {"add imm", alu64(kAdd, r1, -1), 1, 0, 0},
      {"add32", alu32(kAdd, r1, r2), 0x1ffffffff, 2, 1},
      {"add32 imm", alu32(kAdd, r1, -1), 0, 0, 0xffffffff},
      {"sub", alu64(kSub, r1, r2), 1, 2, kAll},
      {"sub32", alu32(kSub, r1, r2), 1, 2, 0xffffffff},
      {"mul", alu64(kMul, r1, r2), 0x100000001, 0x100000001, 0x200000001},
      {"mul imm", alu64(kMul, r1, -3), 5, 0, uint64_t(-15)},
      {"mul32", alu32(kMul, r1, r2), 0x1ffffffff, 3, 0xfffffffd},
      {"div", alu64(kDiv, r1, r2), kAll, 10, 1844674407370955161},
      {"div imm is sign-extended", alu64(kDiv, r1, -1), kAll, 0, 1},
      {"div by zero", alu64(kDiv, r1, r2), 7, 0, 0},
      {"div32", alu32(kDiv, r1, r2), 0xff00000009, 2, 4},
      {"div32 by zero", alu32(kDiv, r1, r2), 7, 0x100000000, 0},
      {"mod", alu64(kMod, r1, r2), 17, 5, 2},
      {"mod by zero", alu64(kMod, r1, r2), kAll, 0, kAll},
      {"mod32", alu32(kMod, r1, r2), 0x100000011, 5, 2},
      {"mod32 by zero", alu32(kMod, r1, r2), kAll, 0, 0xffffffff},
      {"sdiv", alu64(kDiv, r1, r2, 1), uint64_t(-7), 2, uint64_t(-3)},
      {"sdiv imm", alu64(kDiv, r1, -2, 1), 7, 0, uint64_t(-3)},
      {"sdiv by zero", alu64(kDiv, r1, r2, 1), uint64_t(-7), 0, 0},
      {"sdiv wraps", alu64(kDiv, r1, r2, 1), kMin64, kAll, kMin64},
      {"sdiv32", alu32(kDiv, r1, r2, 1), 0xfffffff9, 2, 0xfffffffd},
      {"sdiv32 wraps", alu32(kDiv, r1, r2, 1), kMin32, 0xffffffff, kMin32},
      {"sdiv32 by zero", alu32(kDiv, r1, r2, 1), 0xfffffff9, 0, 0},
      {"smod", alu64(kMod, r1, r2, 1), uint64_t(-7), 2, kAll},
      {"smod by zero", alu64(kMod, r1, r2, 1), uint64_t(-7), 0, uint64_t(-7)},
      {"smod wraps", alu64(kMod, r1, r2, 1), kMin64, kAll, 0},
      {"smod32", alu32(kMod, r1, r2, 1), 0xfffffff9, 4, 0xfffffffd},
      {"smod32 by zero", alu32(kMod, r1, r2, 1), 0x1fffffff9, 0, 0xfffffff9},
      {"smod32 wraps", alu32(kMod, r1, r2, 1), kMin32, 0xffffffff, 0},
      {"or", alu64(BPF_OR, r1, r2), 0xf0, 0x0f00000000, 0x0f000000f0},
      {"or imm", alu64(BPF_OR, r1, -16), 1, 0, 0xfffffffffffffff1},
      {"or32", alu32(BPF_OR, r1, r2), 0x1000000f0, 0x0f, 0xff},
      {"and", alu64(BPF_AND, r1, r2), kAll, 0xff00ff00ff, 0xff00ff00ff},
      {"and imm", alu64(BPF_AND, r1, -16), 0x1234567890abcdef, 0, 0x1234567890abcde0},
      {"and32 imm", alu32(BPF_AND, r1, -16), 0x1234567890abcdef, 0, 0x90abcde0},
      {"xor", alu64(BPF_XOR, r1, r2), kAll, 0xff, 0xffffffffffffff00},
      {"xor32", alu32(BPF_XOR, r1, r2), kAll, 0xff, 0xffffff00},
      {"lsh", alu64(BPF_LSH, r1, r2), 1, 63, kMin64},
      {"lsh masks its count", alu64(BPF_LSH, r1, r2), 1, 65, 2},
      {"lsh32", alu32(BPF_LSH, r1, r2), 3, 31, kMin32},
      {"lsh32 masks its count", alu32(BPF_LSH, r1, r2), 1, 33, 2},
      {"rsh", alu64(BPF_RSH, r1, 4), kAll, 0, 0x0fffffffffffffff},
      {"rsh32", alu32(BPF_RSH, r1, 4), kAll, 0, 0x0fffffff},
      {"arsh", alu64(BPF_ARSH, r1, r2), kMin64, 60, uint64_t(-8)},
      {"arsh32", alu32(BPF_ARSH, r1, r2), kMin32, 28, 0xfffffff8},
      {"neg", alu64(BPF_NEG, r1, 0), 1, 0, kAll},
      {"neg32", alu32(BPF_NEG, r1, 0), 1, 0, 0xffffffff},
      {"mov", alu64(BPF_MOV, r1, r2), 1, kAll, kAll},
      {"mov imm", alu64(BPF_MOV, r1, -2), 1, 0, uint64_t(-2)},
      {"mov32", alu32(BPF_MOV, r1, r2), 1, kAll, 0xffffffff},
      {"mov32 imm", alu32(BPF_MOV, r1, -2), 1, 0, 0xfffffffe},
      {"movsx8", alu64(BPF_MOV, r1, r2, 8), 1, 0x1280, uint64_t(-128)},
      {"movsx16", alu64(BPF_MOV, r1, r2, 16), 1, 0x128000, uint64_t(-32768)},
      {"movsx32", alu64(BPF_MOV, r1, r2, 32), 1, 0x1280000000, 0xffffffff80000000},
      {"movsx8 to 32", alu32(BPF_MOV, r1, r2, 8), 1, 0x1280, 0xffffff80},
      {"movsx16 to 32", alu32(BPF_MOV, r1, r2, 16), 1, 0x128000, 0xffff8000},
      {"be16", toBe(r1, 16), 0x1122334455667788, 0, 0x8877},
      {"be32", toBe(r1, 32), 0x1122334455667788, 0, 0x88776655},
      {"be64", toBe(r1, 64), 0x1122334455667788, 0, 0x8877665544332211},
      {"le16", toLe(r1, 16), 0x1122334455667788, 0, 0x7788},
      {"le32", toLe(r1, 32), 0x1122334455667788, 0, 0x55667788},
      {"le64", toLe(r1, 64), 0x1122334455667788, 0, 0x1122334455667788},
      {"bswap16", bswap(r1, 16), 0x1122334455667788, 0, 0x8877},
      {"bswap32", bswap(r1, 32), 0x1122334455667788, 0, 0x88776655},
      {"bswap64", bswap(r1, 64), 0x1122334455667788, 0, 0x8877665544332211},
  };
}

struct JumpCase {
  std::string name;
  unsigned op;
  bool (*holds64)(uint64_t, uint64_t);
};

// The 32-bit forms follow from the 64-bit ones on operands cut and extended to their kind.
inline std::vector<JumpCase> jumpCases() {
  return {
      {"jeq", BPF_JEQ, [](uint64_t a, uint64_t b) { return a == b; }},
      {"jne", BPF_JNE, [](uint64_t a, uint64_t b) { return a != b; }},
      {"jgt", BPF_JGT, [](uint64_t a, uint64_t b) { return a > b; }},
      {"jge", BPF_JGE, [](uint64_t a, uint64_t b) { return a >= b; }},
      {"jlt", BPF_JLT, [](uint64_t a, uint64_t b) { return a < b; }},
      {"jle", BPF_JLE, [](uint64_t a, uint64_t b) { return a <= b; }},
      {"jsgt", BPF_JSGT, [](uint64_t a, uint64_t b) { return int64_t(a) > int64_t(b); }},
      {"jsge", BPF_JSGE, [](uint64_t a, uint64_t b) { return int64_t(a) >= int64_t(b); }},
      {"jslt", BPF_JSLT, [](uint64_t a, uint64_t b) { return int64_t(a) < int64_t(b); }},
      {"jsle", BPF_JSLE, [](uint64_t a, uint64_t b) { return int64_t(a) <= int64_t(b); }},
      {"jset", BPF_JSET, [](uint64_t a, uint64_t b) { return (a & b) != 0; }},
  };
}

inline const std::vector<uint64_t> kOperands = {0,          1,      2,          kAll,        0x7fffffff, kMin32,
                                                0xffffffff, kMin64, kMin64 - 1, 0x100000000, 0x1ffffffff};

} // namespace xdpc::support
