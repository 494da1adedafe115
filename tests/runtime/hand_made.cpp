// Programs in BPF instructions, and the manifests that describe them.
#include "tests/runtime/hand_made.h"

#include <bpf/libbpf.h>

namespace xdpc::live {

using namespace xdpc::support;

ObjectMaker::ObjectMaker(const std::string& policy) {
  object_.manifest.policy = policy;
  object_.manifest.file = policy + ".xf";
  object_.manifest.source_sha256 = std::string(64, '0');
  object_.manifest.compiler = XDPC_VERSION;
  object_.license = abi::kLicense;
}

uint32_t ObjectMaker::map(abi::Map map) {
  object_.manifest.maps.push_back(std::move(map));
  return object_.manifest.maps.size() - 1;
}

ObjectMaker& ObjectMaker::emit(std::initializer_list<Piece> pieces) {
  const auto instructions = program(pieces);
  object_.program.insert(object_.program.end(), instructions.begin(), instructions.end());
  return *this;
}

ObjectMaker& ObjectMaker::reference(Register dst, object::MapReference reference) {
  reference.instruction = object_.program.size();
  object_.references.push_back(reference);
  return emit({load64(dst, 0)});
}

ObjectMaker& ObjectMaker::loadMap(Register dst, uint32_t map) {
  return reference(dst, {.map = map});
}

ObjectMaker& ObjectMaker::loadValue(Register dst, uint32_t map, uint32_t offset) {
  return reference(dst, {.map = map, .value = true, .offset = offset});
}

object::Object ObjectMaker::make() {
  object_.manifest_json = abi::toJson(object_.manifest);
  return object_;
}

abi::Map arrayMap(const std::string& name, abi::MapRole role, uint32_t value_size, uint32_t flags) {
  return {.name = name,
          .role = role,
          .type = BPF_MAP_TYPE_ARRAY,
          .key_size = 4,
          .value_size = value_size,
          .max_entries = 1,
          .flags = flags};
}

object::Object always(const std::string& policy, abi::Verdict verdict) {
  return ObjectMaker(policy).emit({mov(r0, verdict), exit()}).make();
}

namespace {

void addRules(ObjectMaker& maker, const std::vector<std::string>& rules) {
  auto& manifest = maker.object().manifest;
  for (uint32_t slot = 0; slot < rules.size(); ++slot) {
    manifest.slots.push_back({rules[slot], abi::SlotKind::rule});
    manifest.rules.push_back({.name = rules[slot], .slot = slot, .line = slot + 2, .column = 3, .verdict = "pass"});
  }
}

object::Object counter(const std::string& policy, const std::vector<std::string>& rules, uint32_t counted,
                       abi::Verdict verdict) {
  ObjectMaker maker(policy);
  addRules(maker, rules);
  abi::Map counters = arrayMap("counters", abi::MapRole::counters, abi::kDefaultRows * abi::kRowAlign, BPF_F_MMAPABLE);
  counters.row_bytes = abi::rowBytes(rules.size());
  const uint32_t map = maker.map(counters);
  const auto base = static_cast<uint32_t>(rules.size() * sizeof(abi::Cell));
  maker.map(arrayMap("base", abi::MapRole::base, base, BPF_F_MMAPABLE));
  const int rows = libbpf_num_possible_cpus();
  maker.emit({call(BPF_FUNC_get_smp_processor_id), jump64(BPF_JGT, r0, rows - 1, 7), alu64(BPF_LSH, r0, 12)});
  maker.loadValue(r1, map, counted * sizeof(abi::Cell));
  maker.emit({add(r1, r0), load(BPF_DW, r2, r1, 0), add(r2, 1), store(BPF_DW, r1, 0, r2)});
  maker.emit({mov(r0, verdict), exit()});
  return maker.make();
}

} // namespace

object::Object counting(const std::string& policy, abi::Verdict verdict) {
  return counter(policy, {"all"}, 0, verdict);
}

object::Object countingRules(const std::string& policy, const std::vector<std::string>& rules, uint32_t counted) {
  return counter(policy, rules, counted, abi::kDrop);
}

object::Object oneOfLayouts(size_t number) {
  switch (number % 6) {
  case 0:
    return countingRules("a", {"x"}, 0);
  case 1:
    return countingRules("b", {"x"}, 0);
  case 2:
    return countingRules("c", {"y", "x"}, 1);
  case 3:
    return countingRules("d", {"y", "x"}, 0);
  case 4:
    return countingRules("e", {"#1"}, 0);
  default:
    return countingRules("f", std::vector<std::string>(300, "x"), 299);
  }
}

object::Object reporting(const std::string& policy, uint32_t mark) {
  ObjectMaker maker(policy);
  auto& manifest = maker.object().manifest;
  manifest.slots = {{"all", abi::SlotKind::rule}};
  manifest.events = {{.name = "seen", .fields = {{"mark", abi::KeyKind::U32, 24}}, .size = 32}};
  const uint32_t control = maker.map(arrayMap("control", abi::MapRole::control, sizeof(abi::Control), BPF_F_MMAPABLE));
  const uint32_t events =
      maker.map({.name = "events", .role = abi::MapRole::events, .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 65536});
  maker.emit({call(160)}); // ktime_get_coarse_ns
  maker.loadValue(r1, control);
  maker.emit({load(BPF_DW, r1, r1, 0), jump64(BPF_JGE, r0, r1, 11), storeImmediate(BPF_DW, r10, -32, 7),
              storeImmediate(BPF_DW, r10, -24, 0), storeImmediate(BPF_DW, r10, -16, 0),
              storeImmediate(BPF_DW, r10, -8, int64_t(mark))});
  maker.loadMap(r1, events);
  maker.emit({mov(r2, r10), add(r2, -32), mov(r3, 32), mov(r4, 0), call(BPF_FUNC_ringbuf_output)});
  maker.emit({mov(r0, 2), exit()});
  return maker.make();
}

object::Object refused() {
  ObjectMaker maker("broken");
  auto& manifest = maker.object().manifest;
  manifest.slots = {{"good"}, {"bad"}};
  manifest.rules = {{.name = "good", .slot = 0, .line = 3, .column = 5},
                    {.name = "bad", .slot = 1, .line = 4, .column = 5}};
  maker.object().lines = {{0, 3, 5}, {1, 4, 10}};
  // Reads from a number.
  return maker.emit({mov(r2, 1), load(BPF_DW, r0, r2, 0), exit()}).make();
}

} // namespace xdpc::live
