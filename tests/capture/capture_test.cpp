// What a load that captures copies, on both engines: the packets that were asked for, whole or cut, as the policy
// leaves them, and those of events; and nothing while no lease runs.
#include "runtime/abi/capture.h"
#include "runtime/kernel/test_run_engine.h"
#include "runtime/vm/vm.h"
#include "tests/differential/compiled.h"

#include <gtest/gtest.h>

#include <cstring>

namespace xdpc {
namespace {

constexpr const char* kPolicy = R"(event odd { ip.src }
policy p {
  marked: when udp.dport == 7 { emit odd; drop }
  nine: drop when udp.dport == 9
  changed: when udp.dport == 6 { ip.ttl = 9; pass }
  default pass
}
)";

const std::vector<std::string> kPackets = {
    "ipv4/udp(dport = 9)",
    "ipv6/udp(dport = 9)/payload(300)",
    "ipv4/udp(dport = 7)/payload(2000)",
    "ipv6/udp(dport = 6)",
    "ipv4/tcp",
};

struct Captured {
  abi::FrameHeader header{};
  abi::Bytes bytes;
};

class Capture : public testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    compiled_ = differential::compile(kPolicy);
    frames_ = differential::buildFrames(kPackets);
    object::Object object = compiled_->object;
    object.config.mode |= abi::kModeCapture;
    auto engine = std::string(GetParam()) == "kernel" ? kernel::loadForTest(object) : vm::load(object);
    if (!engine && engine.error().privilege)
      GTEST_SKIP() << "needs: root: " << engine.error().message;
    ASSERT_TRUE(engine) << engine.error().message << "\n" << engine.error().details;
    engine_ = std::move(*engine);
  }

  abi::CaptureState any() const {
    return {
        .lease_ns = kNow + 1, .slot = abi::kAnySlot, .verdict = abi::kAnyVerdict, .snap_length = 65536, .sample = 1};
  }
  uint32_t slotOf(const std::string& rule) const {
    for (const abi::Rule& one : engine_->manifest().rules)
      if (one.name == rule)
        return one.slot;
    return abi::kAnySlot;
  }

  // One packet after the other.
  std::vector<Captured> run(const abi::CaptureState& state) {
    const uint32_t map = *abi::mapNamed(engine_->manifest(), abi::kCaptureMap);
    EXPECT_TRUE(engine_->maps().write(map, 0, {reinterpret_cast<const uint8_t*>(&state), sizeof state}));
    std::vector<Captured> all;
    for (const auto& frame : frames_) {
      EXPECT_TRUE(engine_->run({.bytes = frame, .now_ns = kNow, .ifindex = 5, .rx_queue = 2}));
      EXPECT_TRUE(engine_->drainEvents([&](std::span<const uint8_t> record) {
        if (record.size() < sizeof(abi::FrameHeader) + abi::kFrameSizes[0])
          return; // the event that the policy emits
        Captured& one = all.emplace_back();
        std::memcpy(&one.header, record.data(), sizeof one.header);
        const auto bytes = record.subspan(sizeof one.header, one.header.captured);
        one.bytes.assign(bytes.begin(), bytes.end());
      }));
    }
    EXPECT_TRUE(engine_->maps().read(map, 0, {reinterpret_cast<uint8_t*>(&after_), sizeof after_}));
    return all;
  }

  static constexpr uint64_t kNow = 1'000'000'000;
  std::unique_ptr<differential::Compiled> compiled_;
  std::vector<std::vector<uint8_t>> frames_;
  std::unique_ptr<engine::Engine> engine_;
  abi::CaptureState after_{};
};

TEST_P(Capture, TakesPacketsOfARule) {
  auto state = any();
  state.slot = slotOf("nine");
  const auto all = run(state);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].bytes, frames_[0]);
  EXPECT_EQ(all[1].bytes, frames_[1]);
  EXPECT_EQ(all[1].header.length, frames_[1].size());
  EXPECT_EQ(all[0].header.slot, slotOf("nine"));
  EXPECT_EQ(all[0].header.verdict, abi::kDrop);
  EXPECT_EQ(all[0].header.event, abi::kNoEvent);
  EXPECT_EQ(all[0].header.ifindex, 5u);
  EXPECT_EQ(all[0].header.rx_queue, 2u);
  EXPECT_EQ(all[0].header.time_ns, kNow);
  EXPECT_EQ(after_.matched, 2u);
  EXPECT_EQ(after_.lost, 0u);
}

TEST_P(Capture, TakesPacketsOfAVerdictAsTheyLeave) {
  auto state = any();
  state.verdict = abi::kPass;
  const auto all = run(state);
  ASSERT_EQ(all.size(), 2u);
  abi::Bytes changed = frames_[3];
  changed[14 + 7] = 9; // IPv6's hop limit
  EXPECT_EQ(all[0].bytes, changed);
  EXPECT_EQ(all[1].bytes, frames_[4]);
}

TEST_P(Capture, TakesPacketsOfEvents) {
  auto state = any();
  state.of_events = 1;
  const auto all = run(state);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].bytes, frames_[2]);
  EXPECT_EQ(all[0].header.event, 0);
  EXPECT_EQ(all[0].header.verdict, abi::kDrop);
  EXPECT_EQ(all[0].header.slot, slotOf("marked"));
}

TEST_P(Capture, CutsThemToTheSnapLength) {
  auto state = any();
  state.snap_length = 40;
  const auto all = run(state);
  ASSERT_EQ(all.size(), frames_.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].header.length, frames_[i].size());
    EXPECT_EQ(all[i].bytes.size(), 40u);
  }
}

TEST_P(Capture, SamplesTheFirstAndOneInSoMany) {
  auto state = any();
  state.sample = 3;
  const auto all = run(state);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].bytes, frames_[0]);
  EXPECT_EQ(all[1].header.length, frames_[3].size());
  EXPECT_EQ(after_.matched, 5u);
}

TEST_P(Capture, TakesNothingWithoutALease) {
  auto state = any();
  state.lease_ns = kNow; // over
  EXPECT_TRUE(run(state).empty());
  EXPECT_EQ(after_.matched, 0u);
}

INSTANTIATE_TEST_SUITE_P(Engines, Capture, testing::Values("vm", "kernel"));

} // namespace
} // namespace xdpc
