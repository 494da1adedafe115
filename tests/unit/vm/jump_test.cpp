// Jumps, calls between functions and the end of programs.
#include "tests/support/alu_cases.h"
#include "tests/support/vm_run.h"

namespace xdpc::support {
namespace {

// out[0] is 1 if the jump was taken.
Assembly taken(uint64_t a, uint64_t b, Instruction jump) {
  Assembly assembly;
  assembly.add(load64(r1, a)).add(load64(r2, b)).add(mov(r3, 1)).add(jump).add(mov(r3, 0)).result(r3).pass();
  return assembly;
}

TEST(Jump, EveryCondition) {
  for (const JumpCase& one : jumpCases())
    for (uint64_t a : kOperands)
      for (uint64_t b : kOperands) {
        EXPECT_EQ(evaluate(taken(a, b, jump64(one.op, r1, r2, 1))), one.holds64(a, b))
            << one.name << ' ' << a << ' ' << b;
        bool is_signed = one.name[1] == 's' && one.name != "jset";
        auto cut = [&](uint64_t value) { return is_signed ? uint64_t(int64_t(int32_t(value))) : uint32_t(value); };
        EXPECT_EQ(evaluate(taken(a, b, jump32(one.op, r1, r2, 1))), one.holds64(cut(a), cut(b)))
            << one.name << "32 " << a << ' ' << b;
      }
}

TEST(Jump, ImmediatesAreSignExtended) {
  EXPECT_EQ(evaluate(taken(kAll, 0, jump64(BPF_JEQ, r1, -1, 1))), 1u);
  EXPECT_EQ(evaluate(taken(0xffffffff, 0, jump64(BPF_JEQ, r1, -1, 1))), 0u);
  EXPECT_EQ(evaluate(taken(0xffffffff, 0, jump32(BPF_JEQ, r1, -1, 1))), 1u);
  EXPECT_EQ(evaluate(taken(5, 0, jump64(BPF_JSGT, r1, -1, 1))), 1u);
  EXPECT_EQ(evaluate(taken(5, 0, jump64(BPF_JGT, r1, -1, 1))), 0u);
}

TEST(Jump, UnconditionalForms) {
  EXPECT_EQ(evaluate(taken(0, 0, jump(1))), 1u);
  EXPECT_EQ(evaluate(taken(0, 0, jumpLong(1))), 1u);
  EXPECT_EQ(evaluate(taken(0, 0, jump(0))), 0u);
}

TEST(Jump, LoopsRunToTheirEnd) {
  Assembly assembly;
  assembly.add(mov(r1, 100))
      .add(mov(r2, 0))
      .add(add(r2, r1))
      .add(add(r1, -1))
      .add(jump64(BPF_JNE, r1, 0, -3))
      .result(r2)
      .pass();
  EXPECT_EQ(evaluate(assembly), 5050u);
}

TEST(Jump, LeavingTheProgramIsAFault) {
  EXPECT_EQ(faultOf(Assembly().add(jump(7)).pass()), "instruction 3 lies outside the program");
  EXPECT_EQ(faultOf(Assembly().add(jump(-9)).pass()), "instruction 3 lies outside the program");
  EXPECT_EQ(faultOf(Assembly().add(mov(r0, 2))), "instruction 1 lies outside the program");
  EXPECT_EQ(faultOf(Assembly()), "instruction 0 lies outside the program");
  // Into the second half of a 64-bit immediate.
  EXPECT_EQ(faultOf(Assembly().add(jump(1)).add(load64(r1, 0)).pass()),
            "instruction 2 is no instruction that the embedded engine knows");
}

TEST(Call, KeepsRegistersSixToNineAndGivesR0) {
  Assembly assembly;
  assembly.add(mov(r6, 6)).add(mov(r7, 7)).add(mov(r8, 8)).add(mov(r1, 30)).add(callFunction(8));
  assembly.add(add(r0, r6)).add(add(r0, r7)).add(add(r0, r8)).result(r0).pass(); // 8 instructions
  assembly.add(mov(r6, 100)).add(mov(r7, 100)).add(mov(r8, 100)).add(mov(r0, r1)).add(exit());
  EXPECT_EQ(evaluate(assembly), 51u);
}

TEST(Call, EachFunctionHasAStackOfItsOwn) {
  Assembly assembly;
  assembly.add(storeImmediate(BPF_DW, r10, -8, 1)).add(mov(r1, r10)).add(callFunction(6));
  assembly.add(load(BPF_DW, r0, r10, -8)).result(r0).pass(); // 6 instructions
  // Its own word at -8 is another one; the caller's is reached through the pointer.
  assembly.add(storeImmediate(BPF_DW, r10, -8, 5)).add(load(BPF_DW, r2, r1, -8)).add(add(r2, 1));
  assembly.add(store(BPF_DW, r1, -8, r2)).add(exit());
  EXPECT_EQ(evaluate(assembly), 2u);
}

TEST(Call, DepthIsEight) {
  auto recursion = [](int depth) { // f(n): n == 1 ? 0 : f(n - 1)
    Assembly assembly;
    assembly.add(mov(r1, depth)).add(callFunction(2)).pass();
    assembly.add(add(r1, -1)).add(jump64(BPF_JEQ, r1, 0, 1)).add(callFunction(-3)).add(exit());
    return assembly;
  };
  EXPECT_EQ(faultOf(recursion(7)), ""); // and the main program is the eighth
  EXPECT_EQ(faultOf(recursion(8)), "instruction 6 calls deeper than 8 functions");
}

TEST(Call, OutOfTheProgramIsAFault) {
  EXPECT_EQ(faultOf(Assembly().add(callFunction(50)).pass()), "instruction 3 lies outside the program");
}

TEST(Budget, EndsALoop) {
  EXPECT_EQ(faultOf(Assembly().add(jump(-1))), "instruction 0 has used up its budget of instructions");
  vm::Options three;
  three.instruction_budget = 3;
  EXPECT_EQ(faultOf(Assembly().add(mov(r1, 0)).pass(), {}, three), "");
  EXPECT_EQ(faultOf(Assembly().add(mov(r1, 0)).add(mov(r1, 0)).pass(), {}, three),
            "instruction 3 has used up its budget of instructions");
}

} // namespace
} // namespace xdpc::support
