// Slots and maps.
#include "compiler/plan/state.h"
#include "compiler/ir/verdict.h"
#include "compiler/plan/visit.h"
#include "runtime/abi/capture.h"
#include "runtime/abi/keyed_table.h"
#include "runtime/abi/length_list.h"
#include "runtime/abi/prefix_trie.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <set>

namespace xdpc::plan {
namespace {

constexpr uint32_t kRingBytes = 8u << 20;      // half a second of 200,000 events a second
constexpr uint32_t kFrameRingBytes = 1u << 18; // of other loaders; ours chooses for itself
constexpr uint32_t kSocketQueues = 256;        // receive queues of a device that can have a socket

class State {
public:
  State(Program& program, diag::Emitter& emitter)
      : program_(program), manifest_(program.manifest), policy_(*program.policy), emitter_(emitter) {}

  void run() {
    rules();
    counters();
    sets();
    meters();
    events();
    samples();
    targets();
    common();
    payload();
    constants();
  }

private:
  uint32_t slot(std::string name, abi::SlotKind kind) {
    manifest_.slots.push_back({std::move(name), kind});
    return static_cast<uint32_t>(manifest_.slots.size() - 1);
  }

  uint32_t map(abi::Map map) {
    manifest_.maps.push_back(std::move(map));
    return static_cast<uint32_t>(manifest_.maps.size() - 1);
  }

  // A table of keyed state: an array of buckets that user space can map.
  uint32_t table(const std::string& name, abi::MapRole role, const abi::KeyType& key, unsigned columns,
                 uint32_t capacity) {
    return map({.name = name,
                .role = role,
                .type = BPF_MAP_TYPE_ARRAY,
                .key_size = 4,
                .value_size = abi::tableLayout(key, columns).bucketBytes(),
                .max_entries = abi::bucketsFor(capacity),
                .flags = BPF_F_MMAPABLE});
  }

  // One value that user space maps into memory; `rodata` may only be read by programs.
  uint32_t array(const std::string& name, abi::MapRole role, uint32_t value, uint32_t flags) {
    return map({.name = name,
                .role = role,
                .type = BPF_MAP_TYPE_ARRAY,
                .key_size = 4,
                .value_size = value,
                .max_entries = 1,
                .flags = flags});
  }

  static std::optional<std::string> formerName(const std::string& was) {
    return was.empty() ? std::nullopt : std::optional(was);
  }

  std::optional<std::string> otherFile(Span span) const {
    if (!span.file || span.file == policy_.source)
      return std::nullopt;
    return baseName(span.file->name());
  }

  // A rule's slot is its number.
  void rules() {
    for (const ir::Rule& rule : policy_.rules) {
      auto place = (rule.name_span.file ? rule.name_span : rule.span).position();
      uint32_t number = slot(rule.name, abi::SlotKind::rule);
      manifest_.rules.push_back({.name = rule.name,
                                 .slot = number,
                                 .line = place.line,
                                 .column = place.column,
                                 .verdict = rule.body.verdict ? ir::verdictName(*rule.body.verdict) : "",
                                 .was = formerName(rule.was),
                                 .file = otherFile(rule.name_span)});
    }
  }

  void counters() {
    for (const ir::Counter& counter : policy_.counters) {
      CounterPlan plan;
      plan.needs = headersOf(counter.key);
      abi::Counter entry{.name = counter.name, .key = counter.key_type, .capacity = counter.capacity};
      if (counter.key.empty()) {
        plan.slot = slot(counter.name, abi::SlotKind::counter);
      } else {
        plan.map = table("counter." + counter.name, abi::MapRole::keyed, counter.key_type, 2, counter.capacity);
        plan.other = slot(counter.name + ".other", abi::SlotKind::system);
      }
      entry.slot = plan.slot;
      entry.map = plan.map;
      entry.other = plan.other;
      entry.was = formerName(counter.was);
      manifest_.counters.push_back(entry);
      program_.counters.push_back(plan);
    }
  }

  void sets() {
    const auto note_masked = [this](const ir::Expr& expr) {
      if (expr.kind == ir::ExprKind::InSet && std::ranges::any_of(expr.args, isMasked))
        masked_.insert(expr.id);
    };
    if (!policy_.sets.empty())
      visitRules(policy_, note_masked, [](const ir::Action&) {});
    if (policy_.sets.size() > abi::kMaxSets)
      emitter_.report(diag::Id::too_many, policy_.sets[abi::kMaxSets].span,
                      "a policy has at most " + std::to_string(abi::kMaxSets) + " sets");
    for (uint32_t index = 0; index < policy_.sets.size(); ++index)
      set(policy_.sets[index], index);
  }

  void set(const ir::Set& set, uint32_t index) {
    SetPlan plan;
    abi::Set entry{.name = set.name,
                   .index = index,
                   .key = set.key,
                   .capacity = set.capacity,
                   .timeout_ns = set.timeout_ns,
                   .when_full = set.refuse_when_full ? abi::WhenFull::refuse : abi::WhenFull::evict,
                   .count = set.count};
    const unsigned prefixes = abi::prefixParts(set.key);
    // A trie does not say which element it was, and has one length.
    const bool listed = prefixes > 1 || (prefixes > 0 && set.count);
    if (!prefixes || listed || !set.added_lengths.empty())
      plan.exact = table("set." + set.name, abi::MapRole::exact, set.key, set.count ? 3 : 1, set.capacity);
    if (prefixes)
      plan.probes = set.added_lengths;
    if (listed)
      plan.lengths = entries("lengths." + set.name, abi::MapRole::lengths, abi::lengthLayout(set.key).bytes(), 1);
    else if (prefixes)
      tries(set, index, plan);
    plan.full = slot(set.name + ".full", abi::SlotKind::system);
    if (!set.refuse_when_full)
      plan.evicted = slot(set.name + ".evicted", abi::SlotKind::system);
    entry.exact_map = plan.exact;
    entry.trie_map = plan.trie;
    entry.lengths_map = plan.lengths;
    entry.exact_lengths = plan.probes;
    entry.full = plan.full;
    entry.evicted = plan.evicted;
    entry.was = formerName(set.was);
    for (const abi::KeyValue& element : set.initial)
      entry.initial.push_back(abi::formatKey(set.key, element));
    manifest_.sets.push_back(entry);
    program_.sets.push_back(plan);
  }

  // The kernel's trie for tuples, and where a masked address is asked for: a leaf of ours does not say how long the
  // prefix is that it comes from.
  void tries(const ir::Set& set, uint32_t index, SetPlan& plan) {
    if (set.key.parts.size() > 1 || masked_.contains(index)) {
      plan.trie = map({.name = "trie." + set.name,
                       .role = abi::MapRole::trie,
                       .type = BPF_MAP_TYPE_LPM_TRIE,
                       .key_size = abi::trieKeySize(set.key),
                       .value_size = sizeof(abi::TrieElement),
                       // A replaced element takes two places for a moment (before Linux 6.13).
                       .max_entries = set.capacity + 1,
                       .flags = BPF_F_NO_PREALLOC});
      return;
    }
    const abi::PrefixTrieLayout layout = abi::prefixTrieLayout(set.key.parts[0], set.capacity);
    plan.trie = entries("trie." + set.name, abi::MapRole::trie, abi::kTrieLine, layout.lines);
    entries("front." + set.name, abi::MapRole::trie, layout.frontBytes(), 1);
    if (layout.hosts_apart)
      entries("hosts." + set.name, abi::MapRole::trie, 2 * layout.hostBytes(), 1);
  }

  uint32_t entries(const std::string& name, abi::MapRole role, uint32_t value, uint32_t count) {
    return map({.name = name,
                .role = role,
                .type = BPF_MAP_TYPE_ARRAY,
                .key_size = 4,
                .value_size = value,
                .max_entries = count,
                .flags = BPF_F_MMAPABLE});
  }

  static abi::WhenFull whenFull(ir::WhenFull word) {
    switch (word) {
    case ir::WhenFull::evict:
      return abi::WhenFull::evict;
    case ir::WhenFull::drop:
      return abi::WhenFull::drop;
    case ir::WhenFull::pass:
      return abi::WhenFull::pass;
    }
    return abi::WhenFull::evict;
  }

  void meters() {
    uint32_t cells = 0;
    for (const ir::Meter& meter : policy_.meters) {
      MeterPlan plan;
      plan.needs = headersOf(meter.key);
      plan.contended = slot(meter.name + ".contended", abi::SlotKind::system);
      abi::Meter entry{.name = meter.name,
                       .bits = meter.bits,
                       .rate = meter.rate,
                       .burst = meter.burst,
                       .key = meter.key_type,
                       .capacity = meter.capacity,
                       .when_full = whenFull(meter.when_full)};
      plan.cost = abi::costOf(entry);
      plan.window = abi::windowOf(entry);
      if (meter.key.empty()) {
        plan.cell = cells++;
      } else {
        plan.map = table("meter." + meter.name, abi::MapRole::meter, meter.key_type, 1, meter.capacity);
        plan.full = slot(meter.name + ".full", abi::SlotKind::system);
        if (meter.when_full == ir::WhenFull::evict)
          plan.evicted = slot(meter.name + ".evicted", abi::SlotKind::system);
      }
      entry.map = plan.map;
      entry.cell = plan.cell;
      entry.contended = plan.contended;
      entry.full = plan.full;
      entry.evicted = plan.evicted;
      entry.was = formerName(meter.was);
      manifest_.meters.push_back(entry);
      program_.meters.push_back(plan);
    }
    const auto shares = [](const ir::Meter& meter) { return meter.used && !meter.exact_clock; };
    if (std::any_of(policy_.meters.begin(), policy_.meters.end(), shares))
      program_.clock_slot = slot("clock", abi::SlotKind::sample);
    if (cells)
      program_.common.meters =
          array(".data.meters", abi::MapRole::meters, cells * uint32_t{sizeof(uint64_t)}, BPF_F_MMAPABLE);
  }

  void events() {
    for (const ir::Event& event : policy_.events) {
      EventPlan plan;
      abi::Event entry{.name = event.name};
      uint32_t offset = sizeof(abi::EventHeader);
      for (const ir::EventField& field : event.fields) {
        plan.offsets.push_back(offset);
        entry.fields.push_back({field.name, field.kind, offset});
        offset += abi::keyKindSize(field.kind);
      }
      plan.size = (offset + 7) / 8 * 8;
      plan.lost = slot(event.name + ".lost", abi::SlotKind::system);
      plan.unread = slot(event.name + ".unread", abi::SlotKind::system);
      entry.size = plan.size;
      entry.lost = plan.lost;
      entry.unread = plan.unread;
      manifest_.events.push_back(entry);
      program_.events.push_back(plan);
    }
    if (!policy_.events.empty())
      program_.common.events = map(
          {.name = "events", .role = abi::MapRole::events, .type = BPF_MAP_TYPE_RINGBUF, .max_entries = kRingBytes});
  }

  void samples() {
    visitActions(policy_, [&](const ir::Action& action) {
      if (action.kind == ir::ActionKind::Emit && action.sample > 1)
        program_.samples[&action] = slot("sample." + std::to_string(program_.samples.size()), abi::SlotKind::sample);
    });
  }

  void targets() {
    std::set<uint32_t> cpus;
    auto add = [&](const ir::Redirect& redirect) {
      if (redirect.kind == ir::TargetKind::Device)
        program_.devices.try_emplace(redirect.name, program_.devices.size());
      if (redirect.kind == ir::TargetKind::Socket)
        program_.sockets.try_emplace(redirect.name, 0);
      cpus.insert(redirect.cpus.begin(), redirect.cpus.end());
    };
    for (const ir::Rule& rule : policy_.rules) {
      visitRedirects(rule.body, add);
      visitRedirects(rule.otherwise, add);
    }
    if (!program_.devices.empty())
      program_.common.devices =
          targetMap("devices", abi::MapRole::devices, BPF_MAP_TYPE_DEVMAP, program_.devices.size());
    for (const auto& [name, key] : program_.devices)
      manifest_.targets.push_back({abi::TargetKind::device, name, key, *program_.common.devices});
    if (!cpus.empty())
      program_.common.cpus = targetMap("cpus", abi::MapRole::cpus, BPF_MAP_TYPE_CPUMAP, *cpus.rbegin() + 1);
    for (uint32_t cpu : cpus)
      manifest_.targets.push_back({abi::TargetKind::cpu, "", cpu, *program_.common.cpus});
    for (auto& [name, index] : program_.sockets) {
      index = targetMap("xsk." + name, abi::MapRole::sockets, BPF_MAP_TYPE_XSKMAP, kSocketQueues);
      manifest_.targets.push_back({abi::TargetKind::socket, name, 0, index});
    }
  }

  uint32_t targetMap(const std::string& name, abi::MapRole role, uint32_t type, size_t entries) {
    return map({.name = name,
                .role = role,
                .type = type,
                .key_size = 4,
                .value_size = 4,
                .max_entries = static_cast<uint32_t>(entries)});
  }

  void common() {
    auto slots = static_cast<uint32_t>(manifest_.slots.size());
    program_.row_bytes = abi::rowBytes(slots);
    program_.common.counters =
        array(".bss", abi::MapRole::counters, program_.row_bytes * abi::kDefaultRows, BPF_F_MMAPABLE);
    manifest_.maps.back().row_bytes = program_.row_bytes;
    program_.common.base = array("base", abi::MapRole::base, slots * uint32_t{sizeof(abi::Cell)}, BPF_F_MMAPABLE);
    program_.common.config = array(abi::kConfigSection, abi::MapRole::config, sizeof(abi::Config), BPF_F_RDONLY_PROG);
    program_.common.control = array(".data.control", abi::MapRole::control, sizeof(abi::Control), BPF_F_MMAPABLE);
    program_.common.test = array(".data.test", abi::MapRole::test, sizeof(abi::TestState), BPF_F_MMAPABLE);
    array(abi::kCaptureMap, abi::MapRole::scratch, sizeof(abi::CaptureState), BPF_F_MMAPABLE);
    map({.name = abi::kFramesMap,
         .role = abi::MapRole::scratch,
         .type = BPF_MAP_TYPE_RINGBUF,
         .max_entries = kFrameRingBytes});
    program_.common.copy = map({.name = "frame",
                                .role = abi::MapRole::scratch,
                                .type = BPF_MAP_TYPE_PERCPU_ARRAY,
                                .key_size = 4,
                                .value_size = kBufferBytes,
                                .max_entries = 1});
  }

  // Where slices are read to that lie beyond the first buffer, and what is scanned.
  void payload() {
    if (program_.payload_headers.empty())
      return;
    const size_t bytes = program_.payload_headers.size() * ir::kMaxPayloadBytes + payloadsOfCalls() * ir::kCPayloadRoom;
    program_.common.payload = map({.name = "payload",
                                   .role = abi::MapRole::scratch,
                                   .type = BPF_MAP_TYPE_PERCPU_ARRAY,
                                   .key_size = 4,
                                   .value_size = static_cast<uint32_t>(bytes),
                                   .max_entries = 1});
  }

  // The most that one call gives to C.
  size_t payloadsOfCalls() const {
    size_t most = 0;
    for (const ir::Extern& one : policy_.externs)
      if (one.used)
        most = std::max<size_t>(most, std::ranges::count(one.parameters, ir::Type{ir::TypeKind::Bytes}));
    return most;
  }

  // Constant tables of C, whose contents are in its module.
  void constants() {
    program_.constants.resize(policy_.c_modules.size());
    for (size_t i = 0; i < policy_.c_modules.size(); ++i)
      if (const uint64_t bytes = policy_.c_modules[i].constants)
        program_.constants[i] = map({.name = fmt::format(".rodata.c_{}", i),
                                     .role = abi::MapRole::table,
                                     .type = BPF_MAP_TYPE_ARRAY,
                                     .key_size = 4,
                                     .value_size = static_cast<uint32_t>(bytes),
                                     .max_entries = 1,
                                     .flags = BPF_F_RDONLY_PROG});
  }

  static bool isMasked(const ir::Expr& expr) { return expr.kind == ir::ExprKind::Mask; }

  Program& program_;
  std::set<uint32_t> masked_; // sets of which a masked address is asked
  abi::Manifest& manifest_;
  const ir::Policy& policy_;
  diag::Emitter& emitter_;
};

} // namespace

void planState(Program& program, diag::Emitter& emitter) {
  State(program, emitter).run();
}

} // namespace xdpc::plan
