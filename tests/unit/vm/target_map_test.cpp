// Maps of redirect targets, and the helper that asks them; moving the frame's start.
#include "tests/support/vm_run.h"

#include <cerrno>

namespace xdpc::support {
namespace {

const abi::Map kDevices{"devices", MapRole::devices, BPF_MAP_TYPE_DEVMAP, 4, 4, 2};
const abi::Map kPlain{"plain", MapRole::scratch, BPF_MAP_TYPE_ARRAY, 4, 4, 2};

// r0 = bpf_redirect_map(map, key, flags)
Assembly redirect(uint32_t map, int key, int flags) {
  return Assembly().mapOf(r1, map).add(mov(r2, key)).add(mov(r3, flags)).add(call(51));
}

Bytes word(uint32_t value) {
  Bytes out(4);
  std::memcpy(out.data(), &value, 4);
  return out;
}

TEST(TargetMap, RedirectsToWhatIsThere) {
  Assembly program = redirect(1, 1, 2);
  auto engine = makeEngine(makeObject(program.result(r0).pass(), {kDevices}));
  Bytes frame = someFrame();
  ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), 2u); // the flags' verdict
  ASSERT_TRUE(engine->maps().update(1, word(1), word(7), engine::Update::any));
  ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), uint64_t{abi::kRedirect});
  ASSERT_TRUE(engine->maps().erase(1, word(1)));
  ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), 2u);
}

TEST(TargetMap, Bounds) {
  auto engine = makeEngine(makeObject(redirect(1, 2, 0).result(r0).pass(), {kDevices}));
  auto beyond = engine->maps().update(1, word(2), word(7), engine::Update::any);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, E2BIG);
  auto nothing = engine->maps().update(1, word(0), word(0), engine::Update::any);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, EINVAL);
  Bytes frame = someFrame();
  ASSERT_TRUE(engine->run({frame}));
  EXPECT_EQ(resultOf(*engine), uint64_t{abi::kAborted});
}

TEST(TargetMap, OtherMapsHoldNoTargets) {
  EXPECT_EQ(faultOf(redirect(1, 0, 0).pass(), {kPlain}), "instruction 4 redirects to `plain`, which holds no targets");
}

// The frame behind bpf_xdp_adjust_head(ctx, delta), and its result in out[0].
Bytes moved(int delta, uint64_t& result, vm::Options options = {}) {
  auto engine = makeEngine(makeObject(Assembly().add(mov(r2, delta)).add(call(44)).result(r0).pass()), options);
  Bytes frame = someFrame();
  auto outcome = engine->run({frame});
  EXPECT_TRUE(outcome);
  result = resultOf(*engine);
  return outcome ? outcome->frame : Bytes{};
}

TEST(AdjustHead, MovesTheStart) {
  uint64_t result = 1;
  Bytes frame = moved(4, result);
  EXPECT_EQ(result, 0u);
  ASSERT_EQ(frame.size(), 60u);
  EXPECT_EQ(frame[0], 4);
  EXPECT_EQ(moved(-4, result).size(), 68u);
  EXPECT_EQ(result, 0u);
}

TEST(AdjustHead, KeepsAnEthernetHeaderAndTheKernelsRoom) {
  const auto refused = uint64_t(int64_t(-EINVAL));
  uint64_t result = 0;
  moved(50, result);
  EXPECT_EQ(result, 0u);
  EXPECT_EQ(moved(51, result).size(), 64u);
  EXPECT_EQ(result, refused);
  moved(-216, result);
  EXPECT_EQ(result, 0u);
  moved(-217, result);
  EXPECT_EQ(result, refused);
  vm::Options short_buffer;
  short_buffer.linear_bytes = 20;
  moved(7, result, short_buffer);
  EXPECT_EQ(result, refused);
}

TEST(AdjustHead, PointersFollow) {
  Assembly program;
  program.add(mov(r6, r1)).add(mov(r2, 4)).add(call(44)).add(load(BPF_W, r7, r6, 0)).add(load(BPF_B, r8, r7, 0));
  EXPECT_EQ(evaluate(program.result(r8).pass()), 4u);
}

} // namespace
} // namespace xdpc::support
