// The kernel's engine: the map `test` is written before each run and read behind it. Tested in
// tests/runtime/engine_test.cpp.
#include "runtime/kernel/test_run_engine.h"

#include "runtime/abi/capture.h"
#include "runtime/kernel/event_ring.h"
#include "runtime/kernel/program.h"
#include "runtime/kernel/test_run.h"

#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <sched.h>

namespace xdpc::kernel {
namespace {

using engine::EngineError;

std::optional<uint32_t> mapOf(const abi::Manifest& manifest, abi::MapRole role) {
  for (uint32_t i = 0; i < manifest.maps.size(); ++i)
    if (manifest.maps[i].role == role)
      return i;
  return std::nullopt;
}

template <class T> std::span<uint8_t> bytesOf(T& value) {
  return {reinterpret_cast<uint8_t*>(&value), sizeof value};
}

// Keeps the thread on the CPU that it runs on.
class OneCpu {
public:
  OneCpu() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    held_ = sched_getaffinity(0, sizeof before_, &before_) == 0 && sched_setaffinity(0, sizeof one, &one) == 0;
  }
  OneCpu(const OneCpu&) = delete;
  ~OneCpu() {
    if (held_)
      sched_setaffinity(0, sizeof before_, &before_);
  }

private:
  cpu_set_t before_;
  bool held_ = false;
};

class TestRunEngine final : public engine::Engine {
public:
  TestRunEngine(abi::Manifest manifest, LoadedPolicy policy)
      : manifest_(std::move(manifest)), policy_(std::move(policy)), test_map_(mapOf(manifest_, abi::MapRole::test)) {}

  const abi::Manifest& manifest() const override { return manifest_; }
  engine::Maps& maps() override { return *policy_.maps; }

  // Events are written while the lease lasts: in a test, for ever.
  Result<Done, EngineError> open() {
    if (const auto control = mapOf(manifest_, abi::MapRole::control)) {
      uint64_t lease = abi::kNever;
      if (auto done = policy_.maps->write(*control, offsetof(abi::Control, event_lease_ns), bytesOf(lease)); !done)
        return EngineError{done.error().message};
    }
    for (const auto& map : {mapOf(manifest_, abi::MapRole::events), abi::mapNamed(manifest_, abi::kFramesMap)}) {
      if (!map)
        continue;
      auto ring = EventRing::open(policy_.maps->fd(*map), [this](auto record) { taker_(record); });
      if (!ring)
        return toEngineError(ring.error());
      rings_.push_back(std::move(*ring));
    }
    return Done{};
  }

  Result<engine::Outcome, EngineError> run(const engine::Frame& frame) override {
    abi::TestState state{.now_ns = frame.now_ns, .ifindex = frame.ifindex, .rx_queue = frame.rx_queue};
    if (test_map_)
      if (auto done = policy_.maps->write(*test_map_, 0, bytesOf(state)); !done)
        return EngineError{done.error().message};
    engine::Outcome outcome;
    const auto action = runOnce(policy_.program, frame.bytes, outcome.frame);
    if (!action)
      return toEngineError(action.error());
    if (*action > abi::kRedirect)
      return EngineError{fmt::format("the program returned {}, which is no XDP action", *action)};
    outcome.verdict = static_cast<abi::Verdict>(*action);
    if (test_map_) {
      if (auto done = policy_.maps->read(*test_map_, 0, bytesOf(state)); !done)
        return EngineError{done.error().message};
      outcome.slot = state.slot;
      outcome.target = outcome.verdict == abi::kRedirect ? state.target : 0;
    }
    return outcome;
  }

  Result<Done, EngineError> drainEvents(const std::function<void(std::span<const uint8_t>)>& record) override {
    taker_ = record;
    for (const auto& ring : rings_)
      if (const auto drained = ring->drain(); !drained)
        return toEngineError(drained.error());
    taker_ = nullptr;
    return Done{};
  }

private:
  OneCpu one_cpu_;
  abi::Manifest manifest_;
  LoadedPolicy policy_;
  std::optional<uint32_t> test_map_;
  std::vector<std::unique_ptr<EventRing>> rings_; // of events, and of frames that are captured
  EventRing::Record taker_;                       // only while drainEvents runs
};

} // namespace

Result<std::unique_ptr<engine::Engine>, engine::EngineError> loadForTest(const object::Object& object) {
  auto policy = loadPolicy(object, abi::kModeTest);
  if (!policy)
    return toEngineError(policy.error());
  auto engine = std::make_unique<TestRunEngine>(object.manifest, std::move(*policy));
  if (auto opened = engine->open(); !opened)
    return opened.error();
  return std::unique_ptr<engine::Engine>(std::move(engine));
}

} // namespace xdpc::kernel
