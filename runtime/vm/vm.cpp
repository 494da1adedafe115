// Loads an object into a machine of its own and runs frames through it. See vm.h.
#include "runtime/vm/vm.h"

#include "runtime/abi/keyed_table.h"
#include "runtime/vm/machine.h"
#include "runtime/vm/maps.h"
#include "runtime/vm/ringbuf.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::vm {
namespace {

using engine::EngineError;
using Failure = std::optional<EngineError>;

// Sizes as this engine creates them: it has one CPU.
abi::Map createdShape(abi::Map shape) {
  if (shape.role == abi::MapRole::counters && shape.row_bytes != 0)
    shape.value_size = shape.row_bytes;
  if (shape.spare_per_cpu <= UINT32_MAX - shape.max_entries)
    shape.max_entries += shape.spare_per_cpu;
  return shape;
}

bool programMayWrite(const abi::Map& shape) {
  return shape.role != abi::MapRole::config && shape.role != abi::MapRole::table && !(shape.flags & BPF_F_RDONLY_PROG);
}

class Vm : public engine::Engine {
public:
  Vm(const object::Object& object, const Options& options)
      : manifest_(object.manifest), lines_(object.lines), options_(options), user_maps_(maps_) {}

  Failure start(const object::Object& object) {
    if (auto error = createMaps())
      return error;
    fillMaps(object.config);
    for (const object::Table& table : object.tables)
      if (maps_[table.map]->valueBytes() >= table.bytes.size())
        std::memcpy(maps_[table.map]->values(), table.bytes.data(), table.bytes.size());
    auto loads = resolve(object);
    if (!loads)
      return loads.error();
    machine_.emplace(decode(object.program, *loads), memory_, maps_);
    machine_->random = options_.random_seed;
    return {};
  }

  const abi::Manifest& manifest() const override { return manifest_; }
  engine::Maps& maps() override { return user_maps_; }

  Result<engine::Outcome, EngineError> run(const engine::Frame& frame) override {
    constexpr size_t kMinFrame = 14; // ETH_HLEN: BPF_PROG_TEST_RUN takes no shorter ones
    if (frame.bytes.size() < kMinFrame || frame.bytes.size() > kMaxFrame)
      return EngineError{fmt::format("a frame has {} to {} bytes, not {}", kMinFrame, kMaxFrame, frame.bytes.size())};
    memory_.setFrame(frame.bytes, options_.linear_bytes, frame.ifindex, frame.rx_queue);
    machine_->now_ns = frame.now_ns;
    setTestState({frame.now_ns, frame.ifindex, frame.rx_queue, 0, 0});
    auto result = machine_->run(options_.instruction_budget);
    if (!result)
      return failed(result.error());
    if (Ringbuf* open = openRing())
      return leftOpen(*open);
    if (uint32_t(*result) > abi::kRedirect)
      return EngineError{fmt::format("the program returned {}, which is no verdict", uint32_t(*result))};
    auto left = memory_.frame();
    auto verdict = abi::Verdict(*result);
    abi::TestState state = testState();
    return engine::Outcome{verdict, state.slot, verdict == abi::kRedirect ? state.target : 0,
                           abi::Bytes(left.begin(), left.end())};
  }

  Result<Done, EngineError> drainEvents(const std::function<void(std::span<const uint8_t>)>& record) override {
    for (size_t i = 0; i < maps_.size(); ++i)
      if (maps_[i]->ringbuf())
        maps_[i]->ringbuf()->drain(record);
    return Done{};
  }

private:
  Failure createMaps() {
    for (const abi::Map& shape : manifest_.maps) {
      auto map = makeMap(createdShape(shape));
      if (!map)
        return EngineError{map.error().message};
      (*map)->region = memory_.addRegion(
          {(*map)->values(), 0, (*map)->valueBytes(), programMayWrite(shape), fmt::format("map `{}`", shape.name)});
      maps_.push_back(std::move(*map));
    }
    return {};
  }

  template <class T> void writeValue(abi::MapRole role, const T& value) {
    for (size_t i = 0; i < maps_.size(); ++i)
      if (manifest_.maps[i].role == role && maps_[i]->valueBytes() >= sizeof(T))
        std::memcpy(maps_[i]->values(), &value, sizeof(T));
  }

  void fillMaps(abi::Config config) {
    config.abi = abi::kAbi;
    config.mode |= abi::kModeTest;
    config.rows = 1;
    abi::seedTables(config, abi::kTestSeed);
    writeValue(abi::MapRole::config, config);
    writeValue(abi::MapRole::control, abi::kNever); // the event lease, which stands first
    for (size_t i = 0; i < maps_.size(); ++i)
      if (manifest_.maps[i].role == abi::MapRole::test && maps_[i]->valueBytes() >= sizeof(abi::TestState))
        test_ = maps_[i]->values();
  }

  void setTestState(const abi::TestState& state) {
    if (test_)
      std::memcpy(test_, &state, sizeof(state));
  }

  abi::TestState testState() const {
    abi::TestState state{};
    if (test_)
      std::memcpy(&state, test_, sizeof(state));
    return state;
  }

  Result<std::vector<ResolvedLoad>, EngineError> resolve(const object::Object& object) const {
    std::vector<ResolvedLoad> loads;
    for (const object::MapReference& reference : object.references) {
      uint32_t at = reference.instruction;
      if (reference.map >= maps_.size() || uint64_t{at} + 1 >= object.program.size() ||
          object.program[at].code != (BPF_LD | BPF_IMM | BPF_DW) || object.program[at].dst >= kFramePointer)
        return EngineError{fmt::format("instruction {} has a reference to a map that does not fit it", at)};
      const Map& map = *maps_[reference.map];
      if (reference.value && (map.shape().type != BPF_MAP_TYPE_ARRAY || map.shape().max_entries != 1 ||
                              reference.offset >= map.valueBytes()))
        return EngineError{fmt::format("instruction {} refers to byte {} of `{}`, which has no such", at,
                                       reference.offset, map.shape().name)};
      loads.push_back(
          {at, reference.value ? address(map.region, reference.offset) : address(kMapHandles + reference.map, 0)});
    }
    return loads;
  }

  // "instruction 57 (web_edge.xf:12:5)"
  std::string place(uint32_t instruction) const {
    auto after = std::ranges::upper_bound(lines_, instruction, {}, &object::Line::instruction);
    if (after == lines_.begin())
      return fmt::format("instruction {}", instruction);
    const object::Line& line = *std::prev(after);
    return fmt::format("instruction {} ({}:{}:{})", instruction, line.file.empty() ? manifest_.file : line.file,
                       line.line, line.column);
  }

  EngineError failed(const Fault& fault) {
    discardOpenRecords();
    EngineError error{fmt::format("{} {}", place(fault.instruction), fault.message)};
    for (unsigned i = 0; i < kRegisters; ++i)
      error.details += fmt::format("r{} = {:#x}\n", i, fault.registers[i]);
    return error;
  }

  Ringbuf* openRing() const {
    for (const auto& map : maps_)
      if (map->ringbuf() && map->ringbuf()->open())
        return map->ringbuf();
    return nullptr;
  }

  EngineError leftOpen(const Ringbuf& ring) {
    EngineError error{fmt::format("the program left a record of `{}` reserved", ring.shape().name)};
    discardOpenRecords();
    return error;
  }

  void discardOpenRecords() {
    while (Ringbuf* ring = openRing())
      ring->discardOpen();
  }

  abi::Manifest manifest_;
  std::vector<object::Line> lines_;
  Options options_;
  Memory memory_;
  std::vector<std::unique_ptr<Map>> maps_;
  UserMaps user_maps_;
  std::optional<Machine> machine_;
  uint8_t* test_ = nullptr; // the value of the map `test`
};

} // namespace

Result<std::unique_ptr<engine::Engine>, EngineError> load(const object::Object& object, const Options& options) {
  auto vm = std::make_unique<Vm>(object, options);
  if (auto error = vm->start(object))
    return *error;
  return std::unique_ptr<engine::Engine>(std::move(vm));
}

} // namespace xdpc::vm
