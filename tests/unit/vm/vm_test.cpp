// Loading and running a policy: test mode, sizes for one CPU, verdicts, faults with their line, and what loading costs.
#include "tests/support/vm_run.h"

#include <chrono>
#include <fmt/format.h>

namespace xdpc::support {
namespace {

std::string loadError(const object::Object& object) {
  auto engine = vm::load(object);
  return engine ? "" : engine.error().message;
}

TEST(Vm, GivesTheVerdict) {
  Bytes frame = someFrame();
  for (int verdict = 0; verdict <= 4; ++verdict) {
    auto engine = makeEngine(makeObject(Assembly().add(mov(r0, verdict)).add(exit())));
    auto outcome = engine->run({frame});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->verdict, verdict);
    EXPECT_EQ(outcome->frame, frame);
  }
  EXPECT_EQ(faultOf(Assembly().add(mov(r0, 5)).add(exit())), "the program returned 5, which is no verdict");
  EXPECT_EQ(faultOf(Assembly().add(load64(r0, 0x100000002)).add(exit())), ""); // 32 bits of r0 count
}

TEST(Vm, RefusesFramesThatTheKernelRefuses) {
  auto engine = makeEngine(makeObject(Assembly().pass()));
  auto error = [&](size_t size) {
    Bytes frame(size);
    auto outcome = engine->run({frame});
    return outcome ? "" : outcome.error().message;
  };
  EXPECT_EQ(error(14), "");
  EXPECT_EQ(error(65'535), "");
  EXPECT_EQ(error(13), "a frame has 14 to 65535 bytes, not 13");
  EXPECT_EQ(error(65'536), "a frame has 14 to 65535 bytes, not 65536");
}

TEST(Vm, RunsInTestMode) {
  std::vector<abi::Map> maps = {
      {"test", MapRole::test, BPF_MAP_TYPE_ARRAY, 4, sizeof(abi::TestState), 1},
      {"config", MapRole::config, BPF_MAP_TYPE_ARRAY, 4, sizeof(abi::Config), 1},
      {"control", MapRole::control, BPF_MAP_TYPE_ARRAY, 4, sizeof(abi::Control), 1},
  };
  Assembly assembly;
  assembly.valueOf(r1, 1).add(load(BPF_DW, r2, r1, 0)).result(r2, 0);
  assembly.add(load(BPF_W, r2, r1, 8)).result(r2, 1).add(load(BPF_W, r2, r1, 12)).result(r2, 2);
  assembly.add(storeImmediate(BPF_W, r1, 16, 42));
  assembly.valueOf(r1, 2, 4).add(load(BPF_W, r2, r1, 0)).result(r2, 3).add(load(BPF_W, r2, r1, 4)).result(r2, 4);
  assembly.valueOf(r1, 3).add(load(BPF_DW, r2, r1, 0)).result(r2, 5).pass();
  auto engine = makeEngine(makeObject(assembly, maps));
  Bytes frame = someFrame();
  auto outcome = engine->run({frame, 123, 7, 3});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(resultOf(*engine, 0), 123u);
  EXPECT_EQ(resultOf(*engine, 1), 7u);
  EXPECT_EQ(resultOf(*engine, 2), 3u);
  EXPECT_EQ(resultOf(*engine, 3), uint32_t{abi::kModeTest});
  EXPECT_EQ(resultOf(*engine, 4), 1u); // row
  EXPECT_EQ(resultOf(*engine, 5), abi::kNever);
  EXPECT_EQ(outcome->slot, 42u);
}

TEST(Vm, TheConfigurationIsFrozen) {
  abi::Map config{"config", MapRole::config, BPF_MAP_TYPE_ARRAY, 4, sizeof(abi::Config), 1};
  EXPECT_EQ(faultOf(Assembly().valueOf(r1, 1).add(storeImmediate(BPF_W, r1, 4, 0)).pass(), {config}),
            fmt::format("instruction 2 writes 4 bytes at byte 4 of map `config`, which has {}", sizeof(abi::Config)));
}

TEST(Vm, SizesAreForOneCpu) {
  abi::Map counters{"counters", MapRole::counters, BPF_MAP_TYPE_ARRAY, 4, 64 * 4096, 1, 0, 4096};
  abi::Map spare{"spare", MapRole::exact, BPF_MAP_TYPE_HASH, 4, 8, 2, 0, 0, 3};
  auto engine = makeEngine(makeObject(Assembly().pass(), {counters, spare}));
  EXPECT_EQ(engine->maps().valueSize(1), 4096u);
  for (uint8_t key = 0; key < 6; ++key)
    EXPECT_EQ(bool(engine->maps().update(2, Bytes{key, 0, 0, 0}, Bytes(8), engine::Update::any)), key < 5);
}

TEST(Vm, FaultsNameTheLine) {
  object::Object object = makeObject(Assembly().add(mov(r2, 0)).add(load(BPF_B, r3, r2, 0)).pass());
  object.lines = {{1, 12, 5}, {2, 14, 1}};
  auto engine = makeEngine(object);
  Bytes frame = someFrame();
  auto outcome = engine->run({frame});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "instruction 1 (p.xf:12:5) reads 1 byte at the null pointer");
  EXPECT_NE(outcome.error().details.find("r2 = 0x0\n"), std::string::npos);
}

TEST(Vm, RefusesReferencesThatDoNotFit) {
  object::Object object = makeObject(Assembly().valueOf(r1, 0).pass());
  EXPECT_EQ(loadError(object), "");
  object.references[0].offset = 128;
  EXPECT_EQ(loadError(object), "instruction 0 refers to byte 128 of `out`, which has no such");
  object.references[0] = {2, 0, true, 0};
  EXPECT_EQ(loadError(object), "instruction 2 has a reference to a map that does not fit it");
  object.references[0] = {0, 9, true, 0};
  EXPECT_EQ(loadError(object), "instruction 0 has a reference to a map that does not fit it");
  object.references[0] = {UINT32_MAX, 0, true, 0};
  EXPECT_EQ(loadError(object), "instruction 4294967295 has a reference to a map that does not fit it");
}

TEST(Vm, BigMapsCostNothingUntilUsed) {
  std::vector<abi::Map> maps;
  for (uint32_t type : {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LPM_TRIE})
    maps.push_back({"big", MapRole::exact, type, 24, 64, 1'000'000});
  maps.push_back({"ring", MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, 16 << 20});
  object::Object object = makeObject(Assembly().pass(), maps);
  Bytes frame = someFrame();
  auto best = std::chrono::nanoseconds::max();
  for (int i = 0; i < 20; ++i) {
    auto start = std::chrono::steady_clock::now();
    auto engine = makeEngine(object);
    ASSERT_TRUE(engine->run({frame}));
    best = std::min(best, std::chrono::nanoseconds(std::chrono::steady_clock::now() - start));
  }
  EXPECT_LT(best, std::chrono::milliseconds(1));
}

TEST(Vm, StateLastsFromFrameToFrame) {
  Assembly assembly;
  assembly.valueOf(r1, 0).add(mov(r2, 1)).add(atomic(BPF_DW, BPF_ADD, r1, 0, r2)).pass();
  auto engine = makeEngine(makeObject(assembly));
  Bytes frame = someFrame();
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), 10u);
}

TEST(Vm, AFaultLeavesTheEngineUsable) {
  // Faults on frames whose first byte is not zero, with a record reserved.
  abi::Map ring{"ring", MapRole::events, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096};
  Assembly assembly;
  assembly.add(load(BPF_W, r6, r1, 0)).mapOf(r1, 1).add(mov(r2, 8)).add(mov(r3, 0)).add(call(131)).add(mov(r7, r0));
  assembly.add(load(BPF_B, r2, r6, 0)).add(jump64(BPF_JEQ, r2, 0, 1)).add(load(BPF_B, r2, r2, 0));
  assembly.add(mov(r1, r7)).add(mov(r2, 0)).add(call(132)).pass();
  auto engine = makeEngine(makeObject(assembly, {ring}));
  Bytes bad(64, 1), good(64);
  EXPECT_FALSE(engine->run({bad}));
  EXPECT_TRUE(engine->run({good}));
  unsigned records = 0;
  EXPECT_TRUE(engine->drainEvents([&](std::span<const uint8_t>) { ++records; }));
  EXPECT_EQ(records, 1u);
}

} // namespace
} // namespace xdpc::support
