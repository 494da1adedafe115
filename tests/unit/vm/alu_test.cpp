// Arithmetic of the embedded engine against a table; kernel_test.cpp holds the kernel against the same.
#include "tests/support/alu_cases.h"
#include "tests/support/vm_run.h"

namespace xdpc::support {
namespace {

TEST(Alu, EveryOperation) {
  for (const AluCase& one : aluCases()) {
    Assembly assembly;
    assembly.add(load64(r1, one.a)).add(load64(r2, one.b)).add(one.operation).result(r1).pass();
    EXPECT_EQ(evaluate(assembly), one.expected) << one.name;
  }
}

TEST(Alu, RegistersStartAtZeroButContextAndStack) {
  for (Register reg : {r0, r2, r3, r4, r5, r6, r7, r8})
    EXPECT_EQ(evaluate(Assembly().result(reg).pass()), 0u);
}

struct Refused {
  const char* name;
  Instruction instruction;
};

TEST(Alu, ReservedEncodingsAreNoInstructions) {
  const Refused cases[] = {
      {"offset of add", alu64(BPF_ADD, r1, 1, 1)},
      {"offset of div", alu64(BPF_DIV, r1, 1, 2)},
      {"movsx of an immediate", alu64(BPF_MOV, r1, 1, 8)},
      {"movsx32 in 32 bits", alu32(BPF_MOV, r1, r2, 32)},
      {"be8", toBe(r1, 8)},
      {"the frame pointer is written", mov(r10, 0)},
      {"register 12", insn(BPF_ALU64 | BPF_MOV | BPF_K, 12, 0, 0, 0)},
      {"source register 15", insn(BPF_ALU64 | BPF_MOV | BPF_X, 1, 15, 0, 0)},
      {"alu operation 0xe0", insn(BPF_ALU64 | 0xe0, 1, 0, 0, 0)},
      {"indirect call", insn(BPF_JMP | BPF_CALL | BPF_X, 0, 0, 0, 1)},
      {"kfunc", insn(BPF_JMP | BPF_CALL, 0, 2, 0, 1)},
      {"exit in 32 bits", insn(BPF_JMP32 | BPF_EXIT, 0, 0, 0, 0)},
      {"LD_ABS", insn(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0)},
      {"atomic byte", atomic(BPF_B, BPF_ADD, r10, -8, r1)},
      {"atomic operation 0x10", atomic(BPF_DW, 0x10, r10, -8, r1)},
      {"map without a reference", insn(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 3)},
  };
  for (const Refused& one : cases) {
    Assembly assembly;
    assembly.add(one.instruction).add(insn(0, 0, 0, 0, 0)).pass();
    EXPECT_EQ(faultOf(assembly), "instruction 0 is no instruction that the embedded engine knows") << one.name;
  }
}

} // namespace
} // namespace xdpc::support
