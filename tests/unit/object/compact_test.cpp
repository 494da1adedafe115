// Leaving out what is never reached: the program does the same, and its lines and functions stay at their code.
#include "tests/support/alu_cases.h"
#include "tests/support/vm_run.h"

#include "runtime/object/compact.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace xdpc::object {
namespace {

using namespace support;

bool same(const Program& left, const Program& right) {
  return left.size() == right.size() && memcmp(left.data(), right.data(), left.size() * sizeof(Instruction)) == 0;
}

Program compacted(std::initializer_list<Piece> pieces) {
  return compact(program(pieces), Object{}).program;
}

// The same with all that is left out, whose references are all to the start of `out`.
Assembly without(const Assembly& whole) {
  Assembly left;
  left.code = compact(whole.code, makeObject(whole)).program;
  for (uint32_t i = 0; i < left.code.size(); ++i)
    if (left.code[i].code == (BPF_LD | BPF_IMM | BPF_DW) && left.code[i].src == BPF_PSEUDO_MAP_VALUE)
      left.references.push_back({i, 0, true, 0});
  return left;
}

TEST(Compact, WhatDoesNothingGoesAway) {
  EXPECT_TRUE(same(compacted({jump(0), mov(r0, 1), jump(0), jumpLong(0), exit()}), program({mov(r0, 1), exit()})));
  // A jump over nothing else but such.
  EXPECT_TRUE(same(compacted({jump64(BPF_JEQ, r1, 5, 2), jump(0), jump(0), exit()}), program({exit()})));
  EXPECT_TRUE(same(compacted({mov(r0, 1), exit()}), program({mov(r0, 1), exit()})));
}

TEST(Compact, WhatIsNotReachedGoesAway) {
  EXPECT_TRUE(same(compacted({mov(r2, 0), jump64(BPF_JNE, r2, 0, 2), mov(r0, 1), exit(), mov(r0, 2), exit()}),
                   program({mov(r0, 1), exit()})));
  EXPECT_TRUE(same(compacted({mov(r2, 0), jump64(BPF_JEQ, r2, 0, 2), mov(r0, 1), exit(), mov(r0, 2), exit()}),
                   program({mov(r0, 2), exit()})));
  // Backwards: the branch that is always taken stays, as a jump.
  EXPECT_TRUE(same(compacted({jump(2), mov(r0, 2), exit(), mov(r2, 7), jump64(BPF_JGT, r2, 6, -4), mov(r0, 1), exit()}),
                   program({jump(2), mov(r0, 2), exit(), jump(-3)})));
}

TEST(Compact, WhatNothingReadsGoesAway) {
  EXPECT_TRUE(same(compacted({mov(r1, 5), alu32(BPF_MOV, r2, r1), alu32(BPF_AND, r2, 5), load64(r3, 7), mov(r0, 2),
                              mov(r0, 1), exit()}),
                   program({mov(r0, 1), exit()})));
  EXPECT_TRUE(same(compacted({mov(r7, 3), jump64(BPF_JEQ, r1, 5, 1), add(r7, 1), mov(r0, 1), exit()}),
                   program({mov(r0, 1), exit()}))); // with the branch around it, whose ways are one then
  const std::initializer_list<Program> readers = {
      {mov(r2, 5), call(1), exit()},                                                      // an argument
      {mov(r2, 5), callFunction(1), exit(), mov(r0, r2), exit()},                         // of ours
      {mov(r2, 5), store(BPF_DW, r10, -8, r2), mov(r0, 1), exit()},                       // stored
      {mov(r2, 5), add(r2, r10), storeImmediate(BPF_DW, r2, -16, 1), mov(r0, 1), exit()}, // an address
      {mov(r2, 5), atomic(BPF_DW, BPF_ADD, r10, -8, r2), mov(r0, 1), exit()},
      {mov(r0, 5), atomic(BPF_DW, BPF_CMPXCHG, r10, -8, r7), mov(r0, 1), exit()},
      {mov(r6, 5), call(1), mov(r0, r6), exit()},                               // kept over a call
      {mov(r7, 5), jump64(BPF_JEQ, r7, r1, 1), call(1), mov(r0, 1), exit()},    // compared
      {mov(r6, 1), add(r6, 1), jump64(BPF_JNE, r6, 9, -2), mov(r0, 1), exit()}, // by the next turn
      {load(BPF_W, r2, r1, 0), mov(r0, 1), exit()},                             // memory is left alone
  };
  for (const Program& code : readers)
    EXPECT_TRUE(same(compact(code, Object{}).program, code));
}

TEST(Compact, JumpsAndCallsLeadWhereTheyLed) {
  EXPECT_TRUE(same(compacted({jump64(BPF_JEQ, r1, 5, 3), jump(0), mov(r0, 1), jump(0), exit()}),
                   program({jump64(BPF_JEQ, r1, 5, 1), mov(r0, 1), exit()})));
  EXPECT_TRUE(same(compacted({jump(0), callFunction(2), jump(0), exit(), jump(0), mov(r0, 1), exit()}),
                   program({callFunction(1), exit(), mov(r0, 1), exit()})));
  const Program loop = {mov(r2, 3), add(r2, -1), jump64(BPF_JNE, r2, 0, -2), exit()};
  EXPECT_TRUE(same(compacted({loop}), loop)); // a number that a loop changes is none
  const Program value = load64(r3, 0x1122334455667788);
  EXPECT_TRUE(same(compacted({jump(0), mov(r3, r1), jump64(BPF_JEQ, r1, 5, 2), value, mov(r0, r3), exit()}),
                   program({mov(r3, r1), jump64(BPF_JEQ, r1, 5, 2), value, mov(r0, r3), exit()})));
}

TEST(Compact, ANumberIsForgottenWhereAnotherArrives) {
  const Program either =
      program({mov(r2, 1), jump64(BPF_JEQ, r1, 5, 1), mov(r2, 2), jump64(BPF_JEQ, r2, 2, 1), mov(r0, 1), exit()});
  EXPECT_TRUE(same(compact(either, Object{}).program, either));
}

TEST(Compact, ANumberIsForgottenWhereSomethingWritesIt) {
  const std::initializer_list<Instruction> writers = {
      call(1),
      load(BPF_W, r2, r1, 0),
      toBe(r2, 16),
      atomic(BPF_DW, BPF_ADD | BPF_FETCH, r10, -8, r2),
      alu64(BPF_ADD, r2, r7),
      mov(r2, r7),
  };
  for (const Instruction& writer : writers) {
    const Program left = compacted({mov(r2, 0), writer, jump64(BPF_JNE, r2, 0, 1), mov(r0, 1), exit()});
    ASSERT_GE(left.size(), 4u) << unsigned{writer.code}; // of those that only write the number itself is not read
    EXPECT_TRUE(same({left.end() - 4, left.end()}, {writer, jump64(BPF_JNE, r2, 0, 1), mov(r0, 1), exit()}))
        << unsigned{writer.code};
  }
  const Program exchange =
      program({mov(r0, 0), atomic(BPF_DW, BPF_CMPXCHG, r10, -8, r7), jump64(BPF_JNE, r0, 0, 1), mov(r0, 1), exit()});
  EXPECT_TRUE(same(compact(exchange, Object{}).program, exchange));
  const Program argument =
      program({mov(r2, 0), callFunction(1), exit(), jump64(BPF_JNE, r2, 0, 1), mov(r0, 1), exit()});
  EXPECT_TRUE(same(compact(argument, Object{}).program, argument));
}

// What is computed here decides a branch; the embedded engine computes the same.
TEST(Compact, EveryOperation) {
  unsigned decided = 0;
  for (const AluCase& one : aluCases()) {
    Assembly whole;
    whole.add(load64(r1, one.a)).add(load64(r2, one.b)).add(one.operation).add(load64(r3, one.expected));
    whole.add(mov(r4, 1)).add(jump64(BPF_JEQ, r1, r3, 1)).add(mov(r4, 0)).result(r4).pass();
    const Assembly left = without(whole);
    EXPECT_EQ(evaluate(left), 1u) << one.name;
    decided += left.code.size() < whole.code.size();
  }
  EXPECT_GT(decided, aluCases().size() / 3);
}

TEST(Compact, EveryCondition) {
  for (const JumpCase& one : jumpCases())
    for (const uint64_t a : kOperands)
      for (const uint64_t b : kOperands)
        for (const Instruction& jump : {jump64(one.op, r1, r2, 1), jump32(one.op, r1, r2, 1)}) {
          Assembly whole;
          whole.add(load64(r1, a)).add(load64(r2, b)).add(mov(r3, 1)).add(jump).add(mov(r3, 0)).result(r3).pass();
          const Assembly left = without(whole);
          EXPECT_LT(left.code.size(), whole.code.size()); // the jump, or what it jumps over
          EXPECT_EQ(evaluate(left), evaluate(whole)) << one.name << ' ' << a << ' ' << b;
        }
}

// Programs of operations and branches on a few registers, some of which nobody knows: what they leave is the same.
TEST(Compact, ProgramsOfAllKindsDoTheSame) {
  std::mt19937 random(7);
  const auto reg = [&] { return static_cast<Register>(random() % 6 + 1); };
  const std::vector<AluCase> operations = aluCases();
  const std::vector<JumpCase> jumps = jumpCases();
  size_t whole_size = 0, left_size = 0;
  for (int round = 0; round < 2000; ++round) {
    Assembly whole;
    whole.add(call(7)).add(mov(r1, r0)).add(alu32(BPF_AND, r1, 7)); // a number from outside
    for (int value = 2; value <= 6; ++value)
      whole.add(mov(static_cast<Register>(value), random() % 4));
    const unsigned length = 4 + random() % 30;
    for (unsigned i = 0; i < length; ++i) {
      const int over = static_cast<int>(random() % std::min(length - i, 6u));
      Instruction one{};
      switch (random() % 4) {
      case 0:
        one = operations[random() % operations.size()].operation;
        one.dst = reg();
        one.src = BPF_SRC(one.code) == BPF_X && BPF_OP(one.code) != BPF_END ? reg() : one.src;
        break;
      case 1:
        one = mov(reg(), random() % 3);
        break;
      case 2:
        one = jump64(jumps[random() % jumps.size()].op, reg(), reg(), over);
        break;
      default:
        one = jump32(jumps[random() % jumps.size()].op, reg(), random() % 3, over);
      }
      whole.add(one);
    }
    whole.add(mov(r7, 0));
    for (int value = 1; value <= 3; ++value) // of the others nothing is left
      whole.add(alu64(BPF_MUL, r7, 31)).add(add(r7, static_cast<Register>(value)));
    whole.result(r7).pass();
    const Assembly left = without(whole);
    whole_size += whole.code.size();
    left_size += left.code.size();
    EXPECT_EQ(evaluate(left), evaluate(whole)) << "round " << round;
  }
  EXPECT_LT(left_size, whole_size * 3 / 4);
}

// Records of two numbers: an instruction's, and their own.
std::vector<uint8_t> records(std::initializer_list<std::pair<uint32_t, uint32_t>> all) {
  std::vector<uint8_t> bytes;
  for (const auto& [place, value] : all)
    for (const uint32_t number : {place, value}) {
      const auto* from = reinterpret_cast<const uint8_t*>(&number);
      bytes.insert(bytes.end(), from, from + sizeof number);
    }
  return bytes;
}

TEST(Compact, LinesAndFunctionsStayAtTheirCode) {
  Object object;
  object.func_info_size = object.line_info_size = 8;
  // Two functions, and between them one that nobody calls.
  const Program code = program({jump(0), mov(r1, 1), callFunction(4), exit(), // 0 to 3
                                mov(r0, 9), jump(0), exit(),                  // 4 to 6
                                jump(0), mov(r0, 2), exit()});                // 7 to 9
  object.func_info = records({{0, 100}, {4, 101}, {7, 102}});
  object.line_info = records({{0, 1}, {1, 2}, {3, 3}, {4, 4}, {5, 5}, {7, 6}, {9, 7}});
  const CompactCode left = compact(code, object);
  EXPECT_TRUE(same(left.program, program({mov(r1, 1), callFunction(1), exit(), mov(r0, 2), exit()})));
  EXPECT_EQ(left.func_info, records({{0, 100}, {3, 102}}));
  EXPECT_EQ(left.line_info, records({{0, 2}, {2, 3}, {3, 6}, {4, 7}}));
}

// The kernel says what is wrong with it.
TEST(Compact, WhatIsNoProgramStaysAsItIs) {
  for (const Program& bad :
       {program({jump(0), jump(5), exit()}), program({jump(0), jump64(BPF_JEQ, r1, 0, -9), exit()}),
        program({jump(0), callFunction(100), exit()}), program({jump(0), load64(r1, 1)[0]}),
        program({jump(0), insn(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0), exit()}), Program{}})
    EXPECT_TRUE(same(compact(bad, Object{}).program, bad));
  const Program endless = program({mov(r0, 1)}); // no exit
  EXPECT_TRUE(same(compact(endless, Object{}).program, endless));
}

} // namespace
} // namespace xdpc::object
