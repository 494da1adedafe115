// The embedded engine and the kernel give the same answers: on the table of operations, and on random programs.
#include "tests/support/alu_cases.h"
#include "tests/support/kernel_run.h"

#include <random>

namespace xdpc::support {
namespace {

// An old kernel refuses instructions of ISA v4; that is no difference.
bool isV4(const AluCase& one) {
  return one.name.starts_with("s") || one.name.starts_with("movsx") || one.name.starts_with("bswap");
}

TEST(Kernel, EveryOperationOfTheTable) {
  XDPC_NEEDS_KERNEL();
  Bytes frame = someFrame();
  for (const AluCase& one : aluCases()) {
    Assembly assembly;
    assembly.add(load64(r1, one.a)).add(load64(r2, one.b)).add(one.operation).result(r1).pass();
    KernelProgram program(makeObject(assembly));
    if (!program.loaded() && isV4(one))
      continue;
    ASSERT_TRUE(program.loaded()) << one.name << '\n' << program.log();
    ASSERT_EQ(program.run(frame), 2) << one.name;
    EXPECT_EQ(program.result(), one.expected) << one.name;
  }
}

// Random programs over r0 to r8 and 32 bytes of stack: arithmetic, forward jumps, memory, atomics. Then all registers
// go to `out`. The constants go through `out` first, so that the verifier does not compute the program away.
class RandomProgram {
public:
  explicit RandomProgram(uint32_t seed) : random_(seed) {}

  Assembly make() {
    Assembly out;
    out.valueOf(r9, 0);
    for (unsigned reg = r0; reg <= r8; ++reg)
      out.add(load(BPF_DW, Register(reg), r9, int(reg * 8)));
    for (int slot = 1; slot <= 4; ++slot)
      out.add(store(BPF_DW, r10, -8 * slot, Register(slot)));
    unsigned count = 5 + pick(60);
    for (unsigned i = 0; i < count; ++i)
      out.add(any(count - i - 1));
    out.valueOf(r9, 0);
    for (unsigned reg = r0; reg <= r8; ++reg)
      out.add(store(BPF_DW, r9, int(reg * 8), Register(reg)));
    for (int slot = 1; slot <= 4; ++slot)
      out.add(load(BPF_DW, r1, r10, -8 * slot)).add(store(BPF_DW, r9, 8 * (8 + slot), r1));
    return out.pass();
  }

  uint64_t value() {
    const uint64_t limit = kOperands[pick(kOperands.size())];
    return pick(2) ? limit : uint64_t(random_()) << 32 | random_();
  }

private:
  uint32_t pick(size_t count) { return uint32_t(random_() % count); }
  Register reg() { return Register(pick(9)); }
  int32_t immediate() { return pick(2) ? int32_t(random_()) : int32_t(pick(16)) - 8; }

  Instruction any(unsigned left) {
    switch (pick(8)) {
    case 0:
      return jumpForward(left);
    case 1:
      return memory();
    default:
      return arithmetic();
    }
  }

  Instruction arithmetic() {
    static constexpr unsigned kOps[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND,  BPF_XOR, BPF_MOV,
                                        BPF_DIV, BPF_MOD, BPF_LSH, BPF_RSH, BPF_ARSH, BPF_NEG, BPF_END};
    unsigned op = kOps[pick(std::size(kOps))];
    bool wide = pick(2);
    if (op == BPF_NEG)
      return wide ? alu64(op, reg(), 0) : alu32(op, reg(), 0);
    if (op == BPF_END)
      return pick(2) ? toBe(reg(), 16 << pick(3)) : pick(2) ? toLe(reg(), 16 << pick(3)) : bswap(reg(), 16 << pick(3));
    int offset = (op == BPF_DIV || op == BPF_MOD) ? int(pick(2)) : 0;
    if (op == BPF_MOV && pick(2)) {
      offset = 8 << pick(wide ? 3 : 2);
      return wide ? alu64(op, reg(), reg(), offset) : alu32(op, reg(), reg(), offset);
    }
    if (pick(2))
      return wide ? alu64(op, reg(), reg(), offset) : alu32(op, reg(), reg(), offset);
    int64_t imm = immediate();
    if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
      imm = pick(wide ? 64 : 32); // the verifier refuses others
    if ((op == BPF_DIV || op == BPF_MOD) && imm == 0)
      imm = 3; // and a constant zero
    return wide ? alu64(op, reg(), imm, offset) : alu32(op, reg(), imm, offset);
  }

  Instruction memory() {
    static constexpr unsigned kSizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
    unsigned which = pick(4), size = kSizes[which], bytes = 1 << which;
    int at = -int(32 - pick(32 / bytes) * bytes);
    switch (pick(5)) {
    case 0:
      return load(size, reg(), r10, at);
    case 1:
      return size == BPF_DW ? load(size, reg(), r10, at) : loadSigned(size, reg(), r10, at);
    case 2:
      return store(size, r10, at, reg());
    case 3:
      return storeImmediate(size, r10, at, immediate());
    default:
      return atomicOperation();
    }
  }

  Instruction atomicOperation() {
    static constexpr unsigned kOps[] = {BPF_ADD, BPF_OR, BPF_AND, BPF_XOR};
    unsigned size = pick(2) ? BPF_DW : BPF_W, bytes = size == BPF_DW ? 8 : 4;
    int at = -int(32 - pick(32 / bytes) * bytes);
    unsigned kind = pick(6);
    unsigned op = kind == 0 ? BPF_XCHG : kind == 1 ? BPF_CMPXCHG : kOps[pick(4)] | (pick(2) ? BPF_FETCH : 0);
    return atomic(size, op, r10, at, reg());
  }

  Instruction jumpForward(unsigned left) {
    int distance = int(pick(std::min(left, 8u) + 1));
    static const std::vector<JumpCase> cases = jumpCases();
    unsigned op = cases[pick(cases.size())].op;
    switch (pick(4)) {
    case 0:
      return jump64(op, reg(), reg(), distance);
    case 1:
      return jump32(op, reg(), reg(), distance);
    case 2:
      return jump64(op, reg(), immediate(), distance);
    default:
      return jump32(op, reg(), immediate(), distance);
    }
  }

  std::mt19937 random_;
};

Bytes outContents(const uint64_t (&values)[kResults]) {
  Bytes out(sizeof(values));
  std::memcpy(out.data(), values, sizeof(values));
  return out;
}

TEST(Kernel, RandomProgramsAgree) {
  XDPC_NEEDS_KERNEL();
  Bytes frame = someFrame(), key(4);
  unsigned compared = 0;
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    RandomProgram random(seed);
    object::Object object = makeObject(random.make());
    KernelProgram kernel(object);
    if (!kernel.loaded())
      continue; // the verifier could not follow it, or an old kernel does not know the instruction
    auto engine = makeEngine(object);
    for (int round = 0; round < 4; ++round) {
      uint64_t values[kResults] = {};
      for (uint64_t& value : values)
        value = random.value();
      Bytes start = outContents(values);
      bpf_attr attributes{};
      attributes.map_fd = uint32_t(kernel.map(0));
      attributes.key = pointer(key.data());
      attributes.value = pointer(start.data());
      ASSERT_EQ(bpf(BPF_MAP_UPDATE_ELEM, attributes), 0);
      ASSERT_TRUE(engine->maps().update(0, key, start, engine::Update::any));
      ASSERT_EQ(kernel.run(frame), 2);
      auto outcome = engine->run({frame});
      ASSERT_TRUE(outcome) << outcome.error().message;
      for (unsigned slot = 0; slot < 13; ++slot)
        ASSERT_EQ(resultOf(*engine, slot), kernel.result(slot)) << "seed " << seed << ", slot " << slot;
      ++compared;
    }
  }
  RecordProperty("compared", int(compared));
  EXPECT_GT(compared, 1000u);
}

} // namespace
} // namespace xdpc::support
