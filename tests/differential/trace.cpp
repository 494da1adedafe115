// Traces of engines and oracle.
#include "tests/differential/trace.h"

#include "compiler/ir/verdict.h"
#include "driver/engines.h"
#include "runtime/counters/counters.h"
#include "runtime/events/events.h"
#include "runtime/sets/sets.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace xdpc::differential {

namespace {

std::string valueText(abi::KeyKind kind, const std::optional<abi::KeyPart>& value) {
  return value ? abi::formatKey({{kind}}, {*value}) : "-";
}

std::string eventLine(const std::string& name, const std::string& rule, const std::string& verdict,
                      const std::vector<std::string>& fields) {
  return fmt::format("{} by {} {}: {}", name, rule, verdict, fmt::join(fields, " "));
}

std::string eventText(const ir::Policy& policy, const oracle::Event& event) {
  const auto declared = std::ranges::find(policy.events, event.name, &ir::Event::name);
  std::vector<std::string> fields;
  for (size_t i = 0; i < event.fields.size(); ++i)
    fields.push_back(event.fields[i].first + "=" + valueText(declared->fields[i].kind, event.fields[i].second));
  return eventLine(event.name, event.rule, event.verdict ? ir::verdictName(*event.verdict) : "-", fields);
}

std::string eventText(const events::Event& event) {
  std::vector<std::string> fields;
  for (const events::Field& field : event.fields)
    fields.push_back(field.name + "=" + valueText(field.kind, field.value));
  return eventLine(event.name, event.rule, event.verdict ? abi::verdictName(*event.verdict) : "-", fields);
}

std::string countLine(const std::string& what, uint64_t packets, uint64_t bytes) {
  return fmt::format("{}: {} packets, {} bytes", what, packets, bytes);
}

template <class T, class E> T must(Result<T, E> result) {
  if (!result)
    throw std::runtime_error(result.error().message);
  return std::move(*result);
}

std::string targetText(const abi::Manifest& manifest, uint32_t target) {
  for (const abi::Target& one : manifest.targets)
    if (target == abi::redirectTarget(one.kind, one.key))
      return one.kind == abi::TargetKind::cpu ? fmt::format("cpu {}", one.key) : "dev " + one.name;
  return fmt::format("nowhere ({:#x})", target);
}

std::vector<std::string> targetTexts(const ir::Redirect& redirect, std::optional<int64_t> cpu) {
  if (cpu)
    return {fmt::format("cpu {}", *cpu)};
  if (redirect.kind == ir::TargetKind::Device)
    return {"dev " + redirect.name};
  std::vector<std::string> out;
  for (const uint32_t cpu : redirect.cpus)
    out.push_back(fmt::format("cpu {}", cpu));
  return out;
}

class EngineTrace {
public:
  EngineTrace(const std::string& name, const Compiled& compiled, const Inputs& inputs)
      : policy_(compiled.policy), inputs_(inputs) {
    auto engine = driver::loadEngine(name, compiled.object);
    if (!engine)
      throw std::runtime_error(fmt::format("{}: {}", name, driver::toText(engine.error())));
    engine_ = std::move(*engine);
  }

  Trace run() {
    cells_ = must(counters::readSlots(engine_->maps(), engine_->manifest()));
    for (const oracle::Input& input : inputs_)
      packet(input);
    state();
    return std::move(trace_);
  }

private:
  const abi::Manifest& manifest() const { return engine_->manifest(); }

  void packet(const oracle::Input& input) {
    auto outcome = engine_->run({input.frame, input.now_ns, input.ifindex, input.rx_queue});
    if (!outcome)
      throw std::runtime_error(driver::toText(outcome.error()));
    Seen seen{.verdict = abi::verdictName(outcome->verdict), .rule = manifest().slots.at(outcome->slot).name};
    seen.frame = std::move(outcome->frame);
    if (outcome->verdict == abi::kRedirect)
      seen.targets = {targetText(manifest(), outcome->target)};
    must(engine_->drainEvents([&](std::span<const uint8_t> record) {
      seen.events.push_back(eventText(must(events::decode(manifest(), record))));
    }));
    auto cells = must(counters::readSlots(engine_->maps(), manifest()));
    for (const abi::Rule& rule : manifest().rules)
      if (cells[rule.slot].packets != cells_[rule.slot].packets)
        seen.held.push_back(rule.name);
    cells_ = std::move(cells);
    trace_.packets.push_back(std::move(seen));
  }

  void state() {
    for (const abi::Rule& rule : manifest().rules)
      trace_.state.push_back(countLine("rule " + rule.name, cells_[rule.slot].packets, cells_[rule.slot].bytes));
    for (const ir::Counter& counter : policy_.counters)
      counted(counter);
    for (const ir::Set& set : policy_.sets)
      elements(set);
    for (const abi::Slot& slot : manifest().slots)
      if (slot.name.ends_with(".full") || slot.name.ends_with(".other"))
        trace_.state.push_back(countLine(slot.name, cells_[&slot - manifest().slots.data()].packets, 0));
  }

  void counted(const ir::Counter& declared) {
    const abi::Counter* counter = counters::findCounter(manifest(), declared.name);
    if (!counter)
      return;
    const std::string what = "counter " + declared.name;
    if (!counter->map) {
      const abi::Cell& cell = cells_[*counter->slot];
      trace_.state.push_back(countLine(what, cell.packets, cell.bytes));
      return;
    }
    std::vector<std::string> lines;
    for (const counters::KeyedCount& one : must(counters::readKeys(engine_->maps(), engine_->manifest(), *counter)))
      lines.push_back(countLine(fmt::format("{}[{}]", what, abi::formatKey(counter->key, one.key)), one.cell.packets,
                                one.cell.bytes));
    std::ranges::sort(lines);
    trace_.state.insert(trace_.state.end(), lines.begin(), lines.end());
  }

  void elements(const ir::Set& declared) {
    const abi::Set* set = sets::findSet(manifest(), declared.name);
    if (!set || inputs_.empty() || (!set->exact_map && !set->trie_map))
      return;
    std::vector<std::string> texts;
    for (const sets::Element& element :
         must(sets::list(engine_->maps(), engine_->manifest(), *set, inputs_.back().now_ns)))
      texts.push_back(abi::formatKey(set->key, element.key));
    std::ranges::sort(texts);
    trace_.state.push_back(fmt::format("set {}: {}", declared.name, fmt::join(texts, ", ")));
  }

  const ir::Policy& policy_;
  const Inputs& inputs_;
  std::unique_ptr<engine::Engine> engine_;
  std::vector<abi::Cell> cells_;
  Trace trace_;
};

class OracleTrace {
public:
  OracleTrace(const ir::Policy& policy, const Inputs& inputs) : policy_(policy), inputs_(inputs), oracle_(policy) {}

  Trace run() {
    try {
      for (const oracle::Input& input : inputs_)
        packet(input);
    } catch (const oracle::Tie&) {
      trace_.ends_early = true;
      return std::move(trace_);
    }
    state();
    return std::move(trace_);
  }

private:
  void packet(const oracle::Input& input) {
    const std::vector<oracle::Count> before = oracle_.rules();
    oracle::Outcome outcome = oracle_.run(input);
    Seen seen{.verdict = ir::verdictName(outcome.verdict), .rule = policy_.rules[outcome.rule].name};
    seen.frame = std::move(outcome.frame);
    if (outcome.verdict == ir::Verdict::Redirect) {
      seen.targets = targetTexts(*outcome.redirect, outcome.cpu);
      seen.flow = std::move(outcome.flow);
    }
    for (const oracle::Event& event : outcome.events)
      seen.events.push_back(eventText(policy_, event));
    for (ir::RuleId id = 0; id < policy_.rules.size(); ++id)
      if (before[id] != oracle_.rules()[id])
        seen.held.push_back(policy_.rules[id].name);
    trace_.packets.push_back(std::move(seen));
  }

  void state() {
    for (ir::RuleId id = 0; id < policy_.rules.size(); ++id)
      trace_.state.push_back(
          countLine("rule " + policy_.rules[id].name, oracle_.rules()[id].packets, oracle_.rules()[id].bytes));
    for (ir::CounterId id = 0; id < policy_.counters.size(); ++id)
      counted(id);
    for (ir::SetId id = 0; id < policy_.sets.size() && !inputs_.empty(); ++id)
      elements(id);
    for (ir::SetId id = 0; id < policy_.sets.size(); ++id)
      trace_.state.push_back(countLine(policy_.sets[id].name + ".full", oracle_.set(id).refused(), 0));
    for (ir::MeterId id = 0; id < policy_.meters.size(); ++id)
      trace_.state.push_back(countLine(policy_.meters[id].name + ".full", oracle_.meter(id).refused(), 0));
  }

  void counted(ir::CounterId id) {
    const ir::Counter& counter = policy_.counters[id];
    const std::string what = "counter " + counter.name;
    if (counter.key.empty()) {
      trace_.state.push_back(countLine(what, oracle_.counter(id).packets, oracle_.counter(id).bytes));
      return;
    }
    std::vector<std::string> lines;
    for (const auto& [key, count] : oracle_.keyed(id).keys)
      lines.push_back(
          countLine(fmt::format("{}[{}]", what, abi::formatKey(counter.key_type, key)), count.packets, count.bytes));
    std::ranges::sort(lines);
    trace_.state.insert(trace_.state.end(), lines.begin(), lines.end());
    trace_.state.push_back(countLine(counter.name + ".other", oracle_.keyed(id).other.packets, 0));
  }

  void elements(ir::SetId id) {
    std::vector<std::string> texts;
    for (const abi::KeyValue& key : oracle_.set(id).live(inputs_.back().now_ns))
      texts.push_back(abi::formatKey(policy_.sets[id].key, key));
    std::ranges::sort(texts);
    trace_.state.push_back(fmt::format("set {}: {}", policy_.sets[id].name, fmt::join(texts, ", ")));
  }

  const ir::Policy& policy_;
  const Inputs& inputs_;
  oracle::Oracle oracle_;
  Trace trace_;
};

std::string seenText(const Seen& seen) {
  std::string text = fmt::format("{} by {}; held: {}", seen.verdict, seen.rule, fmt::join(seen.held, " "));
  if (!seen.targets.empty())
    text += fmt::format("; to {}", fmt::join(seen.targets, " or "));
  for (const std::string& event : seen.events)
    text += "\n            event " + event;
  return text;
}

// Which CPU a flow goes to is the engine's to say, once.
class Comparison {
public:
  bool same(const Seen& oracle, const Seen& engine) {
    if (oracle.verdict != engine.verdict || oracle.rule != engine.rule || oracle.held != engine.held ||
        oracle.events != engine.events || oracle.frame != engine.frame ||
        oracle.targets.empty() != engine.targets.empty())
      return false;
    if (oracle.targets.empty())
      return true;
    const std::string flow = fmt::format("{} {} {}", oracle.rule, fmt::join(oracle.targets, " "), oracle.flow);
    const std::string& target = chosen_.try_emplace(flow, engine.targets.front()).first->second;
    return target == engine.targets.front() && std::ranges::count(oracle.targets, target) > 0;
  }

private:
  std::map<std::string, std::string> chosen_; // by flow
};

} // namespace

Trace traceOracle(const ir::Policy& policy, const Inputs& inputs) {
  return OracleTrace(policy, inputs).run();
}

Trace traceEngine(const std::string& engine, const Compiled& compiled, const Inputs& inputs) {
  return EngineTrace(engine, compiled, inputs).run();
}

std::optional<Difference> firstDifference(const Trace& oracle, const Trace& engine) {
  Comparison comparison;
  for (size_t i = 0; i < oracle.packets.size(); ++i) {
    const Seen &expected = oracle.packets[i], &actual = engine.packets[i];
    if (comparison.same(expected, actual))
      continue;
    std::string text = fmt::format("    oracle: {}\n    engine: {}", seenText(expected), seenText(actual));
    if (expected.frame != actual.frame)
      text += fmt::format("\n    oracle's frame: {:02x}\n    engine's frame: {:02x}", fmt::join(expected.frame, ""),
                          fmt::join(actual.frame, ""));
    return Difference{i, text};
  }
  if (oracle.ends_early)
    return std::nullopt;
  // A set that no rule uses has no map, and one that is never full no count of it.
  const auto is_told = [](const std::string& line) {
    return !line.starts_with("set ") && line.find(".full: 0 ") == std::string::npos &&
           line.find(".other: 0 ") == std::string::npos;
  };
  for (const std::string& line : oracle.state)
    if (!std::ranges::count(engine.state, line) && is_told(line))
      return Difference{std::nullopt, "    only the oracle says: " + line};
  for (const std::string& line : engine.state)
    if (!std::ranges::count(oracle.state, line))
      return Difference{std::nullopt, "    only the engine says: " + line};
  return std::nullopt;
}

bool kernelRuns() {
  static const bool runs = [] {
    if (::geteuid() != 0)
      return false;
    const auto compiled = compile("policy probe { default pass }\n");
    return driver::loadEngine("kernel", compiled->object).ok();
  }();
  return runs;
}

} // namespace xdpc::differential
