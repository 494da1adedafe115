// The engine over BPF_PROG_TEST_RUN, timing, and access to maps.
#include "tests/runtime/hand_made.h"
#include "tests/runtime/world.h"

#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"
#include "runtime/kernel/test_run_engine.h"

#include <cerrno>
#include <cstring>

namespace xdpc::live {
namespace {

using namespace xdpc::support;

// Drops, and tells the low half of the clock as its slot.
object::Object clockReader() {
  ObjectMaker maker("clock");
  const uint32_t test = maker.map(arrayMap("test", abi::MapRole::test, sizeof(abi::TestState), BPF_F_MMAPABLE));
  maker.loadValue(r1, test);
  return maker.emit({load(BPF_W, r2, r1, 0), store(BPF_W, r1, 16, r2), mov(r0, 1), support::exit()}).make();
}

TEST(Engine, GivesVerdictSlotAndFrame) {
  const auto engine = kernel::loadForTest(clockReader());
  ASSERT_TRUE(engine) << engine.error().message;
  for (const size_t size : {14, 60, 1514, 3520, 3521, 9000, 65535}) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i)
      bytes[i] = uint8_t(i * 7);
    const auto outcome = (*engine)->run({.bytes = bytes, .now_ns = 1000 + size});
    ASSERT_TRUE(outcome) << size << ": " << outcome.error().message;
    EXPECT_EQ(outcome->verdict, abi::kDrop);
    EXPECT_EQ(outcome->slot, 1000 + size);
    EXPECT_EQ(outcome->frame, bytes);
  }
}

TEST(Engine, SaysWhichFramesTheKernelDoesNotRun) {
  const auto engine = kernel::loadForTest(always("p", abi::kPass));
  ASSERT_TRUE(engine);
  for (const size_t size : {0, 13, 65536}) {
    const auto outcome = (*engine)->run({.bytes = std::vector<uint8_t>(size)});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "the kernel runs frames of 14 to 65535 bytes, not of " + std::to_string(size));
  }
}

TEST(Engine, HandsOverWhatAProgramMadeOfTheFrame) {
  ObjectMaker maker("grow"); // 8 bytes in front, written by none
  maker.emit({mov(r2, -8), call(BPF_FUNC_xdp_adjust_head), mov(r0, 3), support::exit()});
  const auto engine = kernel::loadForTest(maker.make());
  ASSERT_TRUE(engine);
  const std::vector<uint8_t> bytes(60, 0x5a);
  const auto outcome = (*engine)->run({.bytes = bytes});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->verdict, abi::kTx);
  ASSERT_EQ(outcome->frame.size(), 68u);
  EXPECT_EQ(outcome->frame.back(), 0x5a);
}

TEST(Engine, DrainsEventsInOrder) {
  const auto engine = kernel::loadForTest(reporting("p", 9));
  ASSERT_TRUE(engine) << engine.error().message;
  const std::vector<uint8_t> bytes(60);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE((*engine)->run({.bytes = bytes}));
  int records = 0;
  auto count = [&](std::span<const uint8_t> record) { records += record.size() == 32 && record[24] == 9; };
  ASSERT_TRUE((*engine)->drainEvents(count));
  EXPECT_EQ(records, 3);
  ASSERT_TRUE((*engine)->drainEvents(count));
  EXPECT_EQ(records, 3);
}

TEST(Engine, CountsOnOneCpu) {
  const auto engine = kernel::loadForTest(counting("p", abi::kPass));
  ASSERT_TRUE(engine);
  const std::vector<uint8_t> bytes(60);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE((*engine)->run({.bytes = bytes}));
  EXPECT_EQ(packetsOf((*engine)->maps()), 100u);
}

TEST(TestRun, TimesAProgram) {
  const auto policy = kernel::loadPolicy(always("p", abi::kPass), 0);
  ASSERT_TRUE(ok(policy));
  const std::vector<abi::Bytes> frames(3, abi::Bytes(60));
  const auto timing = kernel::timeRuns(policy->program, std::span(frames), 100'000);
  ASSERT_TRUE(ok(timing));
  EXPECT_GT(timing->ns, 0.5);
  EXPECT_LT(timing->ns, 2000);
}

TEST(Maps, BehaveAsTheInterfaceSays) {
  ObjectMaker maker("p");
  const uint32_t hash = maker.map({.name = "hash",
                                   .role = abi::MapRole::exact,
                                   .type = BPF_MAP_TYPE_HASH,
                                   .key_size = 4,
                                   .value_size = 8,
                                   .max_entries = 2});
  const uint32_t plain = maker.map(arrayMap("plain", abi::MapRole::scratch, 16));
  const uint32_t mapped = maker.map(arrayMap("mapped", abi::MapRole::base, 24, BPF_F_MMAPABLE));
  const auto policy = kernel::loadPolicy(maker.emit({mov(r0, 2), support::exit()}).make(), 0);
  ASSERT_TRUE(ok(policy));
  auto& maps = *policy->maps;
  using Key = std::array<uint8_t, 4>;
  using Value = std::array<uint8_t, 8>;
  EXPECT_FALSE(maps.next(hash, std::nullopt)->has_value());
  EXPECT_FALSE(maps.lookup(hash, Key{1})->has_value());
  ASSERT_TRUE(maps.update(hash, Key{1}, Value{7}, engine::Update::create));
  EXPECT_EQ(maps.lookup(hash, Key{1})->value()[0], 7);
  EXPECT_EQ(maps.update(hash, Key{1}, Value{8}, engine::Update::create).error().code, EEXIST);
  EXPECT_EQ(maps.update(hash, Key{2}, Value{8}, engine::Update::replace).error().code, ENOENT);
  ASSERT_TRUE(maps.update(hash, Key{2}, Value{8}, engine::Update::any));
  EXPECT_EQ(maps.update(hash, Key{3}, Value{8}, engine::Update::any).error().code, E2BIG);
  const auto first = maps.next(hash, std::nullopt);
  ASSERT_TRUE(first->has_value());
  const auto second = maps.next(hash, **first);
  ASSERT_TRUE(second->has_value());
  EXPECT_NE(**first, **second);
  EXPECT_FALSE(maps.next(hash, **second)->has_value());
  ASSERT_TRUE(maps.erase(hash, Key{1}));
  EXPECT_EQ(maps.erase(hash, Key{1}).error().code, ENOENT);
  EXPECT_EQ(maps.lookup(hash, Value{}).error().code, EINVAL);
  for (const uint32_t array : {plain, mapped}) {
    ASSERT_TRUE(maps.write(array, 8, Value{1, 2, 3, 4, 5, 6, 7, 8}));
    ASSERT_TRUE(maps.write(array, 3, Key{9}));
    std::array<uint8_t, 16> all{};
    ASSERT_TRUE(maps.read(array, 0, all));
    EXPECT_EQ(all, (std::array<uint8_t, 16>{0, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(maps.write(array, maps.valueSize(array) - 4, Value{}).error().code, ERANGE);
    EXPECT_EQ(maps.read(array, ~0u, all).error().code, ERANGE);
  }
  EXPECT_FALSE(maps.read(hash, 0, std::span<uint8_t>()));
}

} // namespace
} // namespace xdpc::live
