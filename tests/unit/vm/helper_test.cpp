// Each helper of the table, called from a program; what the kernel's verifier would refuse is a fault.
#include "runtime/vm/helpers.h"
#include "tests/support/vm_run.h"

#include <cerrno>
#include <set>

namespace xdpc::support {
namespace {

const abi::Map kHash{"h", MapRole::exact, BPF_MAP_TYPE_HASH, 4, 8, 2};
const abi::Map kRing{"ring", MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096};

uint64_t code(int error) {
  return uint64_t(int64_t(-error));
}

// r6 = the context; the key 5 at r10-4 and the value 50 at r10-16.
Assembly prepared() {
  return Assembly().add(mov(r6, r1)).add(storeImmediate(BPF_W, r10, -4, 5)).add(storeImmediate(BPF_DW, r10, -16, 50));
}

Assembly& withKey(Assembly& assembly, uint32_t map = 1) {
  return assembly.mapOf(r1, map).add(mov(r2, r10)).add(add(r2, -4));
}

Assembly& update(Assembly& assembly, int flags = 0) {
  return withKey(assembly).add(mov(r3, r10)).add(add(r3, -16)).add(mov(r4, flags)).add(call(2));
}

uint64_t outcome(Assembly& assembly) {
  return evaluate(assembly.result(r0).pass(), {kHash, kRing});
}

TEST(Helper, NumbersAreUniqueAndKnown) {
  std::set<uint32_t> numbers;
  for (const vm::Helper& helper : vm::helpers()) {
    EXPECT_TRUE(numbers.insert(helper.number).second) << helper.name;
    EXPECT_EQ(vm::findHelper(helper.number), &helper);
  }
  EXPECT_EQ(vm::findHelper(0), nullptr);
  EXPECT_EQ(vm::findHelper(~uint64_t{0}), nullptr);
  EXPECT_EQ(faultOf(Assembly().add(call(6)).pass()),
            "instruction 0 calls helper 6, which the embedded engine does not have");
}

TEST(Helper, MapLookupUpdateDelete) {
  Assembly absent = prepared();
  EXPECT_EQ(outcome(withKey(absent).add(call(1))), 0u);

  Assembly found = prepared();
  withKey(update(found)).add(call(1)).add(load(BPF_DW, r0, r0, 0));
  EXPECT_EQ(outcome(found), 50u);

  Assembly changed = prepared(); // through the pointer that lookup gave
  withKey(update(changed)).add(call(1)).add(mov(r1, 7)).add(atomic(BPF_DW, BPF_ADD, r0, 0, r1));
  withKey(changed).add(call(1)).add(load(BPF_DW, r0, r0, 0));
  EXPECT_EQ(outcome(changed), 57u);

  Assembly exists = prepared();
  EXPECT_EQ(outcome(update(update(exists), BPF_NOEXIST)), code(EEXIST));

  Assembly deleted = prepared();
  withKey(update(deleted)).add(call(3)).add(mov(r7, r0));
  withKey(deleted).add(call(1)).add(add(r0, r7));
  EXPECT_EQ(outcome(deleted), 0u);

  Assembly nothing = prepared();
  EXPECT_EQ(outcome(withKey(nothing).add(call(3))), code(ENOENT));
}

TEST(Helper, BadArgumentsAreFaults) {
  auto fault = [](Assembly assembly) { return faultOf(assembly.pass(), {kHash, kRing}); };
  EXPECT_EQ(fault(Assembly().add(mov(r1, 0)).add(call(1))), "instruction 1 gives a helper something else than a map");
  EXPECT_EQ(fault(Assembly().valueOf(r1, 0).add(call(1))), "instruction 2 gives a helper something else than a map");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 1).add(add(r1, 1)).add(call(1))),
            "instruction 3 gives a helper something else than a map");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 1).add(mov(r2, 0)).add(call(1))),
            "instruction 3 reads 4 bytes at the null pointer");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 1).add(mov(r2, r10)).add(call(1))),
            "instruction 3 reads 4 bytes at byte 0 of the stack");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 2).add(mov(r2, r10)).add(call(1))),
            "instruction 3 looks for a key in the ring buffer `ring`");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 1).add(mov(r2, 8)).add(mov(r3, 0)).add(call(131))),
            "instruction 4 writes a record to `h`, which is no ring buffer");
  EXPECT_EQ(fault(Assembly().add(mov(r1, 0)).add(call(188))),
            "instruction 1 gives a helper something else than the context");
}

TEST(Helper, ReadOnlyMapsAreNotUpdated) {
  abi::Map read_only = kHash;
  read_only.flags = BPF_F_RDONLY_PROG;
  Assembly assembly = prepared();
  EXPECT_EQ(faultOf(update(assembly).pass(), {read_only}), "instruction 10 updates `h`, which is read-only");
  Assembly deletion = prepared();
  EXPECT_EQ(faultOf(withKey(deletion).add(call(3)).pass(), {read_only}),
            "instruction 7 deletes from `h`, which is read-only");
}

TEST(Helper, ClocksAreTheTests) {
  for (int helper : {5, 125, 160}) // evaluate() sets 1 ms
    EXPECT_EQ(evaluate(Assembly().add(call(helper)).result(r0).pass()), 1'000'000u);
  auto engine = makeEngine(makeObject(Assembly().add(call(118)).result(r0).pass()));
  Bytes frame = someFrame();
  ASSERT_TRUE(engine->run({frame, 1'000'000'000}));
  EXPECT_EQ(resultOf(*engine), 250u);
}

TEST(Helper, ProcessorIsTheOnlyOne) {
  EXPECT_EQ(evaluate(Assembly().add(call(8)).result(r0).pass()), 0u);
}

TEST(Helper, RandomNumbersRepeatBySeed) {
  object::Object object = makeObject(Assembly().add(call(7)).result(r0).pass());
  Bytes frame = someFrame();
  auto numbers = [&](uint64_t seed) {
    vm::Options options;
    options.random_seed = seed;
    auto engine = makeEngine(object, options);
    std::vector<uint64_t> out;
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(engine->run({frame}));
      out.push_back(resultOf(*engine));
    }
    return out;
  };
  auto first = numbers(1);
  EXPECT_EQ(first, numbers(1));
  EXPECT_NE(first, numbers(2));
  EXPECT_GT(std::set<uint64_t>(first.begin(), first.end()).size(), 95u);
  EXPECT_LE(*std::max_element(first.begin(), first.end()), 0xffffffffu);
}

TEST(Helper, FrameSizeAndBytes) {
  EXPECT_EQ(evaluate(Assembly().add(call(188)).result(r0).pass()), 64u);
  auto bytes = [](int helper, int64_t offset, int64_t size) {
    return Assembly().add(mov(r2, offset)).add(mov(r3, r10)).add(add(r3, -16)).add(mov(r4, size)).add(call(helper));
  };
  EXPECT_EQ(evaluate(bytes(189, 10, 8).add(load(BPF_DW, r5, r10, -16)).result(r5).pass()), 0x11100f0e0d0c0b0au);
  EXPECT_EQ(evaluate(bytes(189, 56, 8).result(r0).pass()), 0u);
  EXPECT_EQ(evaluate(bytes(189, 57, 8).result(r0).pass()), code(EINVAL));
  EXPECT_EQ(evaluate(bytes(189, 0x10000, 8).result(r0).pass()), code(EFAULT));
  EXPECT_EQ(evaluate(bytes(189, -1, 8).result(r0).pass()), code(EFAULT));
  EXPECT_EQ(faultOf(bytes(189, 0, 17).pass()), "instruction 4 writes 17 bytes at byte -16 of the stack");
  EXPECT_EQ(faultOf(bytes(189, 0, -1).pass()), "instruction 4 writes 4294967295 bytes at byte -16 of the stack");

  auto engine = makeEngine(
      makeObject(Assembly().add(storeImmediate(BPF_DW, r10, -16, 0x55)).add(bytes(190, 60, 4).code).result(r0).pass()));
  Bytes frame = someFrame();
  auto left = engine->run({frame});
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(resultOf(*engine), 0u);
  EXPECT_EQ(left->frame[60], 0x55);
  EXPECT_EQ(left->frame[59], 59);
}

TEST(Helper, BytesBehindTheLinearPartAreLoaded) {
  vm::Options options;
  options.linear_bytes = 20;
  Assembly assembly;
  assembly.add(mov(r2, 60)).add(mov(r3, r10)).add(add(r3, -4)).add(mov(r4, 4)).add(call(189));
  assembly.add(load(BPF_W, r5, r10, -4)).result(r5).pass();
  auto engine = makeEngine(makeObject(assembly), options);
  Bytes frame = someFrame();
  ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), 0x3f3e3d3cu);
}

// r7 = a reserved record of `size` bytes.
Assembly reserved(int size) {
  return Assembly().mapOf(r1, 2).add(mov(r2, size)).add(mov(r3, 0)).add(call(131)).add(mov(r7, r0));
}

std::vector<Bytes> drained(engine::Engine& engine) {
  std::vector<Bytes> out;
  EXPECT_TRUE(
      engine.drainEvents([&](std::span<const uint8_t> record) { out.emplace_back(record.begin(), record.end()); }));
  return out;
}

TEST(Helper, RingBufferRecords) {
  Assembly assembly = reserved(8);
  assembly.add(storeImmediate(BPF_DW, r7, 0, 1)).add(mov(r1, r7)).add(mov(r2, 0)).add(call(132));
  assembly.add(reserved(8).code); // the references of `reserved` are those of its place
  assembly.references.push_back({uint32_t(assembly.code.size() - 6), 2, false, 0});
  assembly.add(mov(r1, r7)).add(mov(r2, 0)).add(call(133));
  assembly.add(storeImmediate(BPF_W, r10, -4, 3)).mapOf(r1, 2).add(mov(r2, r10)).add(add(r2, -4));
  assembly.add(mov(r3, 4)).add(mov(r4, 0)).add(call(130)).result(r0).pass();
  auto engine = makeEngine(makeObject(assembly, {kHash, kRing}));
  Bytes frame = someFrame();
  auto outcome = engine->run({frame});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(resultOf(*engine), 0u);
  EXPECT_EQ(drained(*engine), (std::vector<Bytes>{{1, 0, 0, 0, 0, 0, 0, 0}, {3, 0, 0, 0}}));
  EXPECT_TRUE(drained(*engine).empty());
}

TEST(Helper, RingBufferFaults) {
  auto fault = [](Assembly assembly) { return faultOf(assembly.pass(), {kHash, kRing}); };
  EXPECT_EQ(fault(reserved(8)), "the program left a record of `ring` reserved");
  EXPECT_EQ(fault(reserved(8).add(mov(r1, r7)).add(add(r1, 1)).add(mov(r2, 0)).add(call(132))),
            "instruction 9 ends a record that is not reserved");
  EXPECT_EQ(fault(Assembly().add(mov(r1, 0)).add(call(132))), "instruction 1 ends a record that is not reserved");
  EXPECT_EQ(fault(Assembly().mapOf(r1, 2).add(mov(r2, r10)).add(mov(r3, -1)).add(mov(r4, 0)).add(call(130))),
            "instruction 5 reads 18446744073709551615 bytes at byte 0 of the stack");
}

TEST(Helper, RingBufferRefuses) {
  auto result = [](Assembly assembly) { return evaluate(assembly.result(r0).pass(), {kHash, kRing}); };
  EXPECT_EQ(result(reserved(5000)), 0u);
  EXPECT_EQ(result(Assembly().mapOf(r1, 2).add(mov(r2, 8)).add(mov(r3, 1)).add(call(131))), 0u); // flags
  EXPECT_EQ(
      result(Assembly().mapOf(r1, 2).add(mov(r2, r10)).add(add(r2, -8)).add(mov(r3, 8)).add(mov(r4, 4)).add(call(130))),
      code(EINVAL));
}

} // namespace
} // namespace xdpc::support
