// Loads, stores and atomics, and the fault of each access that a program may not make.
#include "tests/support/vm_run.h"

namespace xdpc::support {
namespace {

// r1 stays the context; r2 = data, r3 = data_end.
Assembly packet() {
  return Assembly().add(load(BPF_W, r2, r1, 0)).add(load(BPF_W, r3, r1, 4));
}

TEST(Access, LoadsOfEverySize) {
  EXPECT_EQ(evaluate(packet().add(load(BPF_B, r4, r2, 1)).result(r4).pass()), 0x01u);
  EXPECT_EQ(evaluate(packet().add(load(BPF_H, r4, r2, 1)).result(r4).pass()), 0x0201u);
  EXPECT_EQ(evaluate(packet().add(load(BPF_W, r4, r2, 1)).result(r4).pass()), 0x04030201u);
  EXPECT_EQ(evaluate(packet().add(load(BPF_DW, r4, r2, 1)).result(r4).pass()), 0x0807060504030201u);
}

TEST(Access, SignedLoads) {
  auto stored = [](int64_t value) { return Assembly().add(storeImmediate(BPF_DW, r10, -8, value)); };
  EXPECT_EQ(evaluate(stored(0x80).add(loadSigned(BPF_B, r4, r10, -8)).result(r4).pass()), uint64_t(-128));
  EXPECT_EQ(evaluate(stored(0x8000).add(loadSigned(BPF_H, r4, r10, -8)).result(r4).pass()), uint64_t(-32768));
  EXPECT_EQ(evaluate(stored(-5).add(loadSigned(BPF_W, r4, r10, -8)).result(r4).pass()), uint64_t(-5));
}

TEST(Access, StoresOfEverySize) {
  auto start = [] { return Assembly().add(storeImmediate(BPF_DW, r10, -8, -1)).add(load64(r4, 0x1122334455667788)); };
  auto rest = [](Assembly assembly) { return evaluate(assembly.add(load(BPF_DW, r5, r10, -8)).result(r5).pass()); };
  EXPECT_EQ(rest(start().add(store(BPF_B, r10, -8, r4))), 0xffffffffffffff88u);
  EXPECT_EQ(rest(start().add(store(BPF_H, r10, -8, r4))), 0xffffffffffff7788u);
  EXPECT_EQ(rest(start().add(store(BPF_W, r10, -8, r4))), 0xffffffff55667788u);
  EXPECT_EQ(rest(start().add(store(BPF_DW, r10, -8, r4))), 0x1122334455667788u);
  EXPECT_EQ(rest(start().add(storeImmediate(BPF_B, r10, -7, 1))), 0xffffffffffff01ffu);
  EXPECT_EQ(rest(start().add(storeImmediate(BPF_H, r10, -8, 1))), 0xffffffffffff0001u);
  EXPECT_EQ(rest(start().add(storeImmediate(BPF_W, r10, -8, -2))), 0xfffffffffffffffeu);
  EXPECT_EQ(rest(start().add(storeImmediate(BPF_DW, r10, -8, -2))), 0xfffffffffffffffeu);
}

TEST(Access, TheFrameIsLeftAsWritten) {
  auto engine = makeEngine(makeObject(packet().add(storeImmediate(BPF_H, r2, 12, 0xbbaa)).pass()));
  Bytes frame = someFrame();
  auto outcome = engine->run({frame});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->frame[12], 0xaa);
  EXPECT_EQ(outcome->frame[13], 0xbb);
  EXPECT_EQ(outcome->frame.size(), 64u);
  EXPECT_EQ(frame[12], 12); // the caller's is its own
}

TEST(Access, TheContext) {
  auto engine = makeEngine(makeObject(packet()
                                          .add(load(BPF_W, r4, r1, 8))
                                          .add(load(BPF_W, r5, r1, 12))
                                          .add(load(BPF_W, r6, r1, 16))
                                          .add(load(BPF_W, r7, r1, 20))
                                          .add(alu64(BPF_SUB, r3, r2))
                                          .add(alu64(BPF_SUB, r4, r2))
                                          .result(r2, 0)
                                          .result(r3, 1)
                                          .result(r4, 2)
                                          .result(r5, 3)
                                          .result(r6, 4)
                                          .result(r7, 5)
                                          .pass()));
  Bytes frame = someFrame(99);
  ASSERT_TRUE(engine->run({frame, 0, 7, 3}));
  EXPECT_NE(resultOf(*engine, 0), 0u); // data is no null pointer
  EXPECT_EQ(resultOf(*engine, 1), 99u);
  EXPECT_EQ(resultOf(*engine, 2), 0u);
  EXPECT_EQ(resultOf(*engine, 3), 7u);
  EXPECT_EQ(resultOf(*engine, 4), 3u);
  EXPECT_EQ(resultOf(*engine, 5), 0u);
}

TEST(Access, DataEndsWithTheLinearPart) {
  vm::Options options;
  options.linear_bytes = 50;
  EXPECT_EQ(faultOf(packet().add(load(BPF_B, r4, r2, 49)).pass(), {}, options), "");
  EXPECT_EQ(faultOf(packet().add(load(BPF_B, r4, r2, 50)).pass(), {}, options),
            "instruction 2 reads 1 byte at byte 50 of the packet, which has 50");
}

TEST(Access, FaultsSayWhatAndWhere) {
  struct Case {
    Assembly assembly;
    const char* fault;
  };
  const abi::Map frozen{"frozen", MapRole::scratch, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG};
  const Case cases[] = {
      {packet().add(load(BPF_B, r4, r2, 64)), "instruction 2 reads 1 byte at byte 64 of the packet, which has 64"},
      {packet().add(load(BPF_DW, r4, r3, -7)), "instruction 2 reads 8 bytes at byte 57 of the packet, which has 64"},
      {packet().add(load(BPF_W, r4, r2, -1)), "instruction 2 reads 4 bytes at the address 255"},
      {packet().add(storeImmediate(BPF_H, r3, 0, 1)),
       "instruction 2 writes 2 bytes at byte 64 of the packet, which has 64"},
      {Assembly().add(load(BPF_B, r4, r0, 0)), "instruction 0 reads 1 byte at the null pointer"},
      {Assembly().add(load(BPF_B, r4, r10, 0)), "instruction 0 reads 1 byte at byte 0 of the stack"},
      {Assembly().add(load(BPF_B, r4, r10, -513)), "instruction 0 reads 1 byte at byte -513 of the stack"},
      {Assembly().add(load(BPF_DW, r4, r10, -4)), "instruction 0 reads 8 bytes at byte -4 of the stack"},
      {Assembly().add(load(BPF_B, r4, r1, 0)), "instruction 0 reads 1 byte at byte 0 of the context"},
      {Assembly().add(load(BPF_W, r4, r1, 2)), "instruction 0 reads 4 bytes at byte 2 of the context"},
      {Assembly().add(load(BPF_W, r4, r1, 24)), "instruction 0 reads 4 bytes at byte 24 of the context"},
      {Assembly().add(store(BPF_W, r1, 0, r4)), "instruction 0 writes 4 bytes at byte 0 of the context"},
      {Assembly().add(load64(r4, 0x123456789abcdef0)).add(load(BPF_B, r4, r4, 0)),
       "instruction 2 reads 1 byte at the address 0x123456789abcdef0, where nothing is"},
      {Assembly().valueOf(r4, 0).add(load(BPF_DW, r5, r4, 124)),
       "instruction 2 reads 8 bytes at byte 124 of map `out`, which has 128"},
      {Assembly().valueOf(r4, 1).add(storeImmediate(BPF_B, r4, 0, 1)),
       "instruction 2 writes 1 byte at byte 0 of map `frozen`, which has 8"},
      {Assembly().mapOf(r4, 0).add(load(BPF_B, r5, r4, 0)),
       "instruction 2 reads 1 byte at the address 0x4000000000000000, where nothing is"},
      {Assembly().add(atomic(BPF_DW, BPF_ADD, r0, 0, r4)), "instruction 0 writes 8 bytes at the null pointer"},
  };
  for (const Case& one : cases) {
    Assembly assembly = one.assembly;
    EXPECT_EQ(faultOf(assembly.pass(), {frozen}), one.fault);
  }
}

TEST(Access, AStackIsCleanInEveryRun) {
  auto engine = makeEngine(
      makeObject(Assembly().add(load(BPF_DW, r4, r10, -8)).result(r4).add(storeImmediate(BPF_DW, r10, -8, 9)).pass()));
  Bytes frame = someFrame();
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE(engine->run({frame}));
    EXPECT_EQ(resultOf(*engine), 0u);
  }
}

struct AtomicCase {
  const char* name;
  unsigned op;
  uint64_t memory; // 64-bit result in memory
  uint64_t source; // and in the source register
};

TEST(Atomic, InSixtyFourBits) {
  // Memory is 12, the operand 10.
  const AtomicCase cases[] = {
      {"add", BPF_ADD, 22, 10},   {"add fetch", BPF_ADD | BPF_FETCH, 22, 12},
      {"or", BPF_OR, 14, 10},     {"or fetch", BPF_OR | BPF_FETCH, 14, 12},
      {"and", BPF_AND, 8, 10},    {"and fetch", BPF_AND | BPF_FETCH, 8, 12},
      {"xor", BPF_XOR, 6, 10},    {"xor fetch", BPF_XOR | BPF_FETCH, 6, 12},
      {"xchg", BPF_XCHG, 10, 12},
  };
  for (const AtomicCase& one : cases) {
    auto run = [&] {
      return Assembly()
          .add(storeImmediate(BPF_DW, r10, -8, 12))
          .add(mov(r4, 10))
          .add(atomic(BPF_DW, one.op, r10, -8, r4));
    };
    EXPECT_EQ(evaluate(run().add(load(BPF_DW, r5, r10, -8)).result(r5).pass()), one.memory) << one.name;
    EXPECT_EQ(evaluate(run().result(r4).pass()), one.source) << one.name;
  }
}

TEST(Atomic, InThirtyTwoBitsLeavesTheRest) {
  auto run = [](unsigned op) {
    return Assembly()
        .add(load64(r5, 0x11111111ffffffff))
        .add(store(BPF_DW, r10, -8, r5))
        .add(load64(r4, 0x2222222200000001))
        .add(atomic(BPF_W, op, r10, -8, r4));
  };
  auto memory = [](Assembly assembly) { return evaluate(assembly.add(load(BPF_DW, r5, r10, -8)).result(r5).pass()); };
  EXPECT_EQ(memory(run(BPF_ADD)), 0x1111111100000000u);
  EXPECT_EQ(memory(run(BPF_XCHG)), 0x1111111100000001u);
  EXPECT_EQ(evaluate(run(BPF_XCHG).result(r4).pass()), 0xffffffffu); // the fetched word is zero-extended
  EXPECT_EQ(evaluate(run(BPF_ADD).result(r4).pass()), 0x2222222200000001u);
}

TEST(Atomic, CompareAndExchange) {
  auto run = [](uint64_t expected, unsigned size) {
    return Assembly()
        .add(load64(r5, 0x1100000005))
        .add(store(BPF_DW, r10, -8, r5))
        .add(load64(r0, expected))
        .add(mov(r4, 9))
        .add(atomic(size, BPF_CMPXCHG, r10, -8, r4));
  };
  auto memory = [](Assembly assembly) { return evaluate(assembly.add(load(BPF_DW, r5, r10, -8)).result(r5).pass()); };
  EXPECT_EQ(memory(run(0x1100000005, BPF_DW)), 9u);
  EXPECT_EQ(memory(run(5, BPF_DW)), 0x1100000005u);
  EXPECT_EQ(evaluate(run(5, BPF_DW).result(r0).pass()), 0x1100000005u);
  EXPECT_EQ(memory(run(0x9900000005, BPF_W)), 0x1100000009u); // only 32 bits of r0 count
  EXPECT_EQ(evaluate(run(6, BPF_W).result(r0).pass()), 5u);
}

} // namespace
} // namespace xdpc::support
