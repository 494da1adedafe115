// See test_runner.h. Tested by tests/lit/cli/test*.xf (what fails, and how it is said) and tests/packet (what holds).
#include "driver/test_runner.h"

#include "compiler/ir/verdict.h"
#include "compiler/sema/becomes.h"
#include "runtime/counters/counters.h"
#include "runtime/events/events.h"
#include "runtime/sets/sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace xdpc::driver {

namespace {

bool holds(ir::Op op, uint64_t actual, uint64_t number) {
  switch (op) {
  case ir::Op::Ne:
    return actual != number;
  case ir::Op::Lt:
    return actual < number;
  case ir::Op::Le:
    return actual <= number;
  case ir::Op::Gt:
    return actual > number;
  case ir::Op::Ge:
    return actual >= number;
  default:
    return actual == number;
  }
}

const char* opText(ir::Op op) {
  switch (op) {
  case ir::Op::Ne:
    return "!=";
  case ir::Op::Lt:
    return "<";
  case ir::Op::Le:
    return "<=";
  case ir::Op::Gt:
    return ">";
  case ir::Op::Ge:
    return ">=";
  default:
    return "==";
  }
}

std::string verdictText(abi::Verdict verdict, const std::string& target, const std::string& rule) {
  const std::string name = abi::verdictName(verdict) + (target.empty() ? "" : " to " + target);
  return rule.empty() ? name : fmt::format("{} by {}", name, rule);
}

std::string targetText(const ir::Redirect& redirect) {
  if (redirect.kind != ir::TargetKind::Cpu)
    return fmt::format("{}{}", redirect.kind == ir::TargetKind::Device ? "dev " : "socket ", redirect.name);
  std::string cpus;
  for (uint32_t cpu : redirect.cpus)
    cpus += fmt::format("{}{}", cpus.empty() ? "" : ", ", cpu);
  return redirect.cpus.size() == 1 ? "cpu " + cpus : fmt::format("cpus {{ {} }}", cpus);
}

// Of what the program said; sockets never are there in a test.
std::string targetText(const abi::Manifest& manifest, uint32_t target) {
  for (const abi::Target& one : manifest.targets)
    if (target == abi::redirectTarget(one.kind, one.key))
      return one.kind == abi::TargetKind::cpu ? fmt::format("cpu {}", one.key) : "dev " + one.name;
  return "";
}

bool isTarget(const abi::Manifest& manifest, const ir::Redirect& wanted, uint32_t target) {
  return std::ranges::any_of(manifest.targets, [&](const abi::Target& one) {
    if (target != abi::redirectTarget(one.kind, one.key))
      return false;
    if (wanted.kind == ir::TargetKind::Cpu)
      return one.kind == abi::TargetKind::cpu && std::ranges::count(wanted.cpus, one.key) > 0;
    return wanted.kind == ir::TargetKind::Device && one.kind == abi::TargetKind::device && one.name == wanted.name;
  });
}

// What a line that cannot be carried out throws within this file: the engine failed, or the runtime.
struct Broken {
  engine::EngineError error;
};

class TestRun {
public:
  TestRun(const ir::Policy& policy, engine::Engine& engine, TestResult& result)
      : policy_(policy), engine_(engine), result_(result) {}

  void step(const ir::TestStep& step) {
    switch (step.kind) {
    case ir::TestStepKind::Given:
      return given(step);
    case ir::TestStepKind::Packet:
      return packet(step);
    case ir::TestStepKind::Wait:
      now_ns_ += step.wait_ns;
      return;
    case ir::TestStepKind::Counter:
      return counter(step);
    case ir::TestStepKind::Hits:
      return hits(step);
    case ir::TestStepKind::Has:
      return membership(step, true);
    case ir::TestStepKind::Lacks:
      return membership(step, false);
    case ir::TestStepKind::Event:
      return event(step);
    }
  }

private:
  template <class T, class E> static T must(Result<T, E> result) {
    if (!result)
      throw Broken{{result.error().message, {}, false}};
    return std::move(*result);
  }

  const abi::Set& setOf(const ir::TestStep& step) {
    const std::string& name = policy_.sets[step.id].name;
    const abi::Set* set = sets::findSet(engine_.manifest(), name);
    if (!set)
      throw Broken{{fmt::format("no rule uses the set `{}`", name), {}, false}};
    return *set;
  }

  void expectNumber(const ir::TestStep& step, const std::string& what, uint64_t actual) {
    if (!holds(step.op, actual, step.number))
      fail(step, fmt::format("{} {} {}", what, opText(step.op), step.number), fmt::format("{}", actual));
  }

  void fail(const ir::TestStep& step, std::string expected, std::string actual) {
    result_.failures.push_back({step.span, std::move(expected), std::move(actual)});
  }

  void given(const ir::TestStep& step);
  void packet(const ir::TestStep& step);
  std::optional<sema::Difference> differs(const ir::TestStep& step, const engine::Outcome& outcome,
                                          const std::string& rule) const;
  void counter(const ir::TestStep& step);
  void hits(const ir::TestStep& step);
  void membership(const ir::TestStep& step, bool expected);
  void event(const ir::TestStep& step);
  void drain();

  const ir::Policy& policy_;
  engine::Engine& engine_;
  TestResult& result_;
  uint64_t now_ns_ = kTestClockStart;
  std::map<std::string, uint64_t> events_; // records so far, by event
};

void TestRun::given(const ir::TestStep& step) {
  must(sets::add(engine_.maps(), engine_.manifest(), setOf(step), step.elements, {.now_ns = now_ns_}));
}

void TestRun::packet(const ir::TestStep& step) {
  uint64_t wrong = 0;
  sema::Difference first;
  for (uint64_t i = 1; i <= step.times; ++i) {
    auto outcome = engine_.run({step.frame, now_ns_, step.ifindex, step.rx_queue});
    if (!outcome)
      throw Broken{outcome.error()};
    drain(); // at once: the ring is small
    const auto& slots = engine_.manifest().slots;
    const std::string rule = outcome->slot < slots.size() ? slots[outcome->slot].name : "";
    const auto difference = differs(step, *outcome, rule);
    if (difference && wrong++ == 0) {
      first = *difference;
      if (step.times > 1)
        first.actual += fmt::format(" (packet {} of {}", i, step.times);
    }
  }
  if (wrong == 0)
    return;
  if (step.times > 1)
    first.actual += wrong > 1 ? fmt::format(", {} differ)", wrong) : ")";
  fail(step, first.expected, first.actual);
}

std::optional<sema::Difference> TestRun::differs(const ir::TestStep& step, const engine::Outcome& outcome,
                                                 const std::string& rule) const {
  const abi::Verdict verdict = ir::actionOf(step.verdict);
  const abi::Manifest& manifest = engine_.manifest();
  const bool there = !step.target || isTarget(manifest, *step.target, outcome.target);
  if (outcome.verdict == verdict && (step.rule.empty() || step.rule == rule) && there)
    return sema::firstDifference(policy_, step.becomes, outcome.frame);
  return sema::Difference{verdictText(verdict, step.target ? targetText(*step.target) : "", step.rule),
                          verdictText(outcome.verdict, targetText(manifest, outcome.target), rule)};
}

void TestRun::counter(const ir::TestStep& step) {
  const abi::Manifest& manifest = engine_.manifest();
  if (!step.rule.empty()) {
    const bool dotted = step.rule.find('.') != std::string::npos; // what is counted by itself: no rule's name has a dot
    const auto slot = counters::findSlot(manifest, step.rule, dotted ? abi::SlotKind::system : abi::SlotKind::rule);
    const uint64_t count = slot ? must(counters::readSlot(engine_.maps(), manifest, *slot)).packets : 0;
    return expectNumber(step, "counter " + step.rule, count);
  }
  const std::string& name = policy_.counters[step.id].name;
  const abi::Counter* counter = counters::findCounter(manifest, name);
  if (!counter) // no rule counts it
    return expectNumber(step, "counter " + name, 0);
  if (!counter->map)
    return expectNumber(step, "counter " + name,
                        must(counters::readSlot(engine_.maps(), manifest, *counter->slot)).packets);
  for (const abi::KeyValue& key : step.elements)
    expectNumber(step, fmt::format("counter {}[{}]", name, abi::formatKey(counter->key, key)),
                 must(counters::readKey(engine_.maps(), engine_.manifest(), *counter, key)).packets);
}

void TestRun::hits(const ir::TestStep& step) {
  const abi::Set& set = setOf(step);
  uint64_t packets = 0;
  for (const sets::Element& element : must(sets::list(engine_.maps(), engine_.manifest(), set, now_ns_)))
    if (element.key == step.elements[0])
      packets = element.hits.packets;
  expectNumber(step, fmt::format("counter {}[{}]", set.name, abi::formatKey(set.key, step.elements[0])), packets);
}

void TestRun::membership(const ir::TestStep& step, bool expected) {
  const abi::Set& set = setOf(step);
  for (const abi::KeyValue& key : step.elements)
    if (must(sets::has(engine_.maps(), engine_.manifest(), set, key, now_ns_)) != expected)
      fail(step, fmt::format("{} {} {}", set.name, expected ? "has" : "lacks", abi::formatKey(set.key, key)),
           expected ? "it lacks it" : "it has it");
}

void TestRun::event(const ir::TestStep& step) {
  const std::string& name = policy_.events[step.id].name;
  expectNumber(step, "event " + name, events_[name]);
}

void TestRun::drain() {
  std::optional<std::string> undecodable;
  const auto drained = engine_.drainEvents([&](std::span<const uint8_t> record) {
    if (const auto event = events::decode(engine_.manifest(), record); event)
      ++events_[event->name];
    else
      undecodable = event.error().message;
  });
  if (!drained)
    throw Broken{drained.error()};
  if (undecodable)
    throw Broken{{*undecodable, {}, false}};
}

} // namespace

TestResult runTest(const ir::Policy& policy, const ir::Test& test, engine::Engine& engine) {
  TestResult result{test.title, {}, {}};
  TestRun run(policy, engine, result);
  try {
    for (const ir::TestStep& step : test.steps)
      run.step(step);
  } catch (const Broken& broken) {
    result.broken = broken.error;
  }
  return result;
}

} // namespace xdpc::driver
