// Folding: loads of the configuration become what it holds, and what is not such a load stays.
#include "tests/support/bpf_asm.h"

#include "runtime/object/fold_config.h"

#include <cstring>
#include <gtest/gtest.h>

namespace xdpc::object {
namespace {

using namespace support;

constexpr abi::Config kConfig{.abi = 7, .mode = 0x80000005, .rows = 3, .hash_seed = 0x1122334455667788};
constexpr int kModeAt = offsetof(abi::Config, mode), kRowsAt = offsetof(abi::Config, rows);
constexpr int kSeedAt = offsetof(abi::Config, hash_seed);

// The address of the configuration: its instructions are found again by this number.
Program address(Register dst, uint32_t offset = 0) {
  Program pair = load64(dst, 0);
  pair[0].src = BPF_PSEUDO_MAP_VALUE;
  pair[0].imm = 1000 + int(offset);
  return pair;
}

Object objectOf(std::initializer_list<Piece> pieces, abi::MapRole role = abi::MapRole::config) {
  Object object;
  object.manifest.maps = {{".rodata.config", role}};
  object.program = program(pieces);
  for (uint32_t i = 0; i < object.program.size(); ++i)
    if (Instruction& at = object.program[i]; at.code == (BPF_LD | BPF_IMM | BPF_DW) && at.src == BPF_PSEUDO_MAP_VALUE)
      object.references.push_back({i, 0, true, uint32_t(std::exchange(at.imm, 0) - 1000)});
  return object;
}

FoldedCode fold(std::initializer_list<Piece> pieces) {
  return foldConfig(objectOf(pieces), kConfig);
}

bool same(const Instruction& left, const Instruction& right) {
  return memcmp(&left, &right, sizeof left) == 0;
}
bool isNothing(const Instruction& at) {
  return same(at, jump(0));
}
bool isConstant(const Instruction& at, Register dst, uint32_t value) {
  return same(at, alu32(BPF_MOV, dst, value));
}

void expectUntouched(const Object& object) {
  const auto code = foldConfig(object, kConfig);
  EXPECT_EQ(code.references.size(), object.references.size());
  ASSERT_EQ(code.program.size(), object.program.size());
  for (size_t i = 0; i < code.program.size(); ++i)
    EXPECT_TRUE(same(code.program[i], object.program[i])) << "instruction " << i;
}
void expectUntouched(std::initializer_list<Piece> pieces) {
  expectUntouched(objectOf(pieces));
}

TEST(FoldConfig, ALoadBecomesAConstantAndItsAddressNothing) {
  const auto code = fold({address(r1), load(BPF_W, r1, r1, kModeAt), exit()});
  EXPECT_TRUE(code.references.empty());
  ASSERT_EQ(code.program.size(), 4u);
  EXPECT_TRUE(isNothing(code.program[0]) && isNothing(code.program[1]));
  EXPECT_TRUE(isConstant(code.program[2], r1, kConfig.mode)); // 32 bits: zero-extended, as the load
}

TEST(FoldConfig, TheOffsetIsInTheReferenceOrInTheLoad) {
  EXPECT_TRUE(isConstant(fold({address(r1, kRowsAt), load(BPF_W, r1, r1, 0), exit()}).program[2], r1, 3));
  EXPECT_TRUE(isConstant(fold({address(r1, kSeedAt), load(BPF_H, r1, r1, 2), exit()}).program[2], r1, 0x5566));
  EXPECT_TRUE(isConstant(fold({address(r1, kSeedAt), load(BPF_B, r1, r1, 7), exit()}).program[2], r1, 0x11));
}

TEST(FoldConfig, ALongOneTakesTheAddressesPlace) {
  const auto code = fold({address(r1), load(BPF_DW, r1, r1, kSeedAt), exit()});
  EXPECT_TRUE(code.references.empty());
  EXPECT_EQ(code.program[0].src, 0);
  EXPECT_EQ(uint32_t(code.program[0].imm), 0x55667788u);
  EXPECT_EQ(uint32_t(code.program[1].imm), 0x11223344u);
  EXPECT_TRUE(isNothing(code.program[2]));
  expectUntouched({address(r1), load(BPF_DW, r2, r1, kSeedAt), exit()});             // r1 may be read again
  expectUntouched({address(r1), mov(r3, 1), load(BPF_DW, r1, r1, kSeedAt), exit()}); // and here it could be moved
}

TEST(FoldConfig, LoadsThroughOneAddressAreFoldedWhereverTheyAre) {
  const auto code = fold({address(r6), load(BPF_W, r2, r6, kModeAt), call(8), jump64(BPF_JEQ, r0, 0, 1), mov(r0, 1),
                          load(BPF_W, r6, r6, kRowsAt), exit()});
  EXPECT_TRUE(code.references.empty());
  EXPECT_TRUE(isNothing(code.program[0]));
  EXPECT_TRUE(isConstant(code.program[2], r2, kConfig.mode));
  EXPECT_TRUE(isConstant(code.program[6], r6, kConfig.rows));
}

TEST(FoldConfig, ALoopComesBackWithTheSameAddress) {
  const auto code = fold({address(r6), load(BPF_W, r2, r6, kModeAt), jump64(BPF_JEQ, r2, 0, -2), exit()});
  EXPECT_TRUE(isConstant(code.program[2], r2, kConfig.mode));
}

TEST(FoldConfig, WhereOtherThingsMeetNothingIsFolded) {
  // The address, or a number; the address, or another one; a loop that changes it.
  expectUntouched({address(r1), jump64(BPF_JEQ, r0, 0, 1), mov(r1, 5), load(BPF_W, r2, r1, kModeAt), exit()});
  expectUntouched({address(r1), jump64(BPF_JEQ, r0, 0, 2), address(r1, 4), load(BPF_W, r2, r1, kModeAt), exit()});
  expectUntouched({address(r1), load(BPF_W, r2, r1, kModeAt), add(r1, 4), jump64(BPF_JEQ, r2, 0, -3), exit()});
  expectUntouched({address(r1), load(BPF_W, r2, r1, kModeAt), add(r1, 4), jumpLong(-3), exit()});
}

TEST(FoldConfig, AnAddressThatIsReadOtherwiseStays) {
  const std::initializer_list<std::initializer_list<Piece>> readers = {
      {mov(r2, r1)},
      {add(r1, 4)},
      {store(BPF_DW, r10, -8, r1)},
      {store(BPF_DW, r1, 0, r2)},
      {storeImmediate(BPF_DW, r1, 0, 1)},
      {jump64(BPF_JEQ, r1, 0, 0)},
      {call(1)},
      {loadSigned(BPF_W, r2, r1, kModeAt)},
  };
  for (const auto& reader : readers) {
    Program behind = program(reader);
    const auto code = fold({address(r1), load(BPF_W, r2, r1, kModeAt), behind, exit()});
    EXPECT_EQ(code.references.size(), 1u);
    EXPECT_FALSE(isNothing(code.program[0]));
    EXPECT_TRUE(isConstant(code.program[2], r2, kConfig.mode));
  }
}

TEST(FoldConfig, AFunctionDoesNotKnowItsCallersRegisters) {
  // The second function follows the first; r6 is the first's alone.
  const Program code = fold({address(r6), callFunction(1), exit(), load(BPF_W, r0, r6, kModeAt), exit()}).program;
  EXPECT_TRUE(same(code[4], load(BPF_W, r0, r6, kModeAt)));
}

TEST(FoldConfig, AMaskBehindItIsTakenAlong) {
  const auto masked = [](const Instruction& mask) {
    return fold({address(r1), load(BPF_W, r1, r1, kModeAt), mask, exit()}).program;
  };
  EXPECT_TRUE(isConstant(masked(alu32(BPF_AND, r1, 4))[2], r1, 4));
  EXPECT_TRUE(isNothing(masked(alu32(BPF_AND, r1, 4))[3]));
  EXPECT_TRUE(isConstant(masked(alu64(BPF_AND, r1, -2))[2], r1, 0x80000004)); // signed
  EXPECT_TRUE(isConstant(masked(alu32(BPF_AND, r2, 4))[2], r1, kConfig.mode));
  EXPECT_FALSE(isNothing(masked(alu32(BPF_AND, r2, 4))[3]));
  const auto reached =
      fold({address(r1), load(BPF_W, r1, r1, kModeAt), alu32(BPF_AND, r1, 4), jump64(BPF_JEQ, r2, 0, -2), exit()});
  EXPECT_TRUE(isConstant(reached.program[2], r1, kConfig.mode));
  EXPECT_FALSE(isNothing(reached.program[3]));
}

TEST(FoldConfig, WhatIsNotOfTheConfigurationStays) {
  expectUntouched({address(r1), load(BPF_DW, r1, r1, int(sizeof(abi::Config)) - 4), exit()});
  expectUntouched({address(r1), load(BPF_W, r1, r1, -4), exit()});
  expectUntouched({exit(), address(r1), load(BPF_W, r1, r1, kModeAt), exit()}); // never reached
  expectUntouched(objectOf({address(r1), load(BPF_W, r1, r1, kModeAt), exit()}, abi::MapRole::control));
}

} // namespace
} // namespace xdpc::object
