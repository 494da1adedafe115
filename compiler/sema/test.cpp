// Checks the lines of `test` blocks and builds their packets. Tested by tests/unit/sema/test_block_test.cpp.
#include "compiler/sema/test.h"
#include "compiler/ir/verdict.h"
#include "compiler/sema/packet.h"
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr uint64_t kMaxTimes = 100'000'000;

bool given(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  const Symbol* symbol = resolve(scope, line.name, SymbolKind::Set);
  if (!symbol)
    return false;
  step.id = symbol->index;
  ir::Set& set = scope.policy.sets[symbol->index];
  bool ok = true;
  for (const ast::Expr& value : line.values)
    ok &= checkElements(scope, value, set, step.elements);
  return ok;
}

bool waits(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  const auto time = line.values.empty() ? std::nullopt : checkTime(scope, line.values[0], "a wait");
  step.wait_ns = time.value_or(0);
  return time.has_value();
}

// In an order that does not depend on the machine, as what is suggested follows from it.
std::vector<std::string> ruleNames(const Scope& scope) {
  std::vector<std::string> names;
  for (const auto& [name, place] : scope.rules)
    names.push_back(name);
  std::ranges::sort(names);
  return names;
}

// The rules' names first: a counter never has one of them.
bool unknownCounter(Scope& scope, const ast::TestLine& line) {
  if (lookUp(scope, line.name.text)) {
    resolve(scope, line.name, SymbolKind::Counter);
    return false;
  }
  std::vector<std::string> names = ruleNames(scope);
  for (const auto& [name, symbol] : scope.symbols)
    if (symbol.kind == SymbolKind::Counter)
      names.push_back(name);
  reportMissing(scope, line.name, fmt::format("there is no rule or counter `{}`", line.name.text), names);
  return false;
}

// `[a, b]` and `[(a, b)]` are the same key.
ast::Expr oneKey(const ast::TestLine& line) {
  if (line.values.size() == 1)
    return line.values[0];
  ast::Expr key;
  key.kind = ast::ExprKind::Tuple;
  key.args = line.values;
  key.span = join(line.values.front().span, line.values.back().span);
  return key;
}

bool counterKey(Scope& scope, const ast::TestLine& line, const ir::Counter& counter, ir::TestStep& step) {
  const bool keyed = counter.capacity > 0;
  if (keyed && counter.key.empty())
    return false; // its declaration is wrong
  if (keyed == line.values.empty()) {
    scope.emitter.report(
        diag::Id::bad_element, line.name.span,
        keyed ? fmt::format("`{}` is counted by key: say which, as in `{}[…]`", counter.name, counter.name)
              : fmt::format("`{}` has no key", counter.name));
    return false;
  }
  if (!keyed)
    return true;
  if (!checkElement({scope, {}}, oneKey(line), counter.key_type, masksOf(counter.key), step.elements))
    return false;
  if (step.elements.size() == 1)
    return true;
  scope.emitter.report(diag::Id::bad_element, line.values[0].span, "one key is needed, not a range");
  return false;
}

// `expect counter SET[ELEMENT] == 3` of a set that counts.
bool hits(Scope& scope, const ast::TestLine& line, ir::SetId id, ir::TestStep& step) {
  const ir::Set& set = scope.policy.sets[id];
  step.kind = ir::TestStepKind::Hits;
  step.id = id;
  if (line.values.empty()) {
    scope.emitter.report(diag::Id::bad_element, line.name.span,
                         fmt::format("`{}` counts by element: say which, as in `{}[…]`", set.name, set.name));
    return false;
  }
  if (!checkElement({scope, {}}, oneKey(line), set.key, {}, step.elements))
    return false;
  if (step.elements.size() == 1)
    return true;
  scope.emitter.report(diag::Id::bad_element, line.values[0].span, "one element is needed, not a range");
  return false;
}

// What the program counts by itself, as `xdpc counters` names it.
std::vector<std::string> systemCounters(const ir::Policy& policy) {
  std::vector<std::string> names;
  for (const ir::Set& set : policy.sets) {
    names.push_back(set.name + ".full");
    if (!set.refuse_when_full)
      names.push_back(set.name + ".evicted");
  }
  for (const ir::Counter& counter : policy.counters)
    if (!counter.key.empty())
      names.push_back(counter.name + ".other");
  for (const ir::Meter& meter : policy.meters) {
    names.push_back(meter.name + ".contended");
    if (meter.key.empty())
      continue;
    names.push_back(meter.name + ".full");
    if (meter.when_full == ir::WhenFull::evict)
      names.push_back(meter.name + ".evicted");
  }
  for (const ir::Event& event : policy.events) {
    names.push_back(event.name + ".lost");
    names.push_back(event.name + ".unread");
  }
  return names;
}

bool systemCounts(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  step.rule = line.name.text;
  const std::vector<std::string> names = systemCounters(scope.policy);
  if (std::ranges::count(names, step.rule) == 0) {
    reportMissing(scope, line.name, fmt::format("nothing counts `{}`", step.rule), names);
    return false;
  }
  if (line.values.empty())
    return true;
  scope.emitter.report(diag::Id::bad_element, line.name.span, fmt::format("`{}` has no key", step.rule));
  return false;
}

bool counts(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  step.op = static_cast<ir::Op>(static_cast<unsigned>(line.op));
  step.number = line.number;
  if (line.name.text.find('.') != std::string::npos)
    return systemCounts(scope, line, step);
  const Symbol* symbol = lookUp(scope, line.name.text);
  // A rule can have the name of the set that it asks.
  const bool of_element = symbol && symbol->kind == SymbolKind::Set && scope.policy.sets[symbol->index].count;
  if (of_element && (!line.values.empty() || !scope.rules.contains(line.name.text)))
    return hits(scope, line, symbol->index, step);
  if (scope.rules.contains(line.name.text)) {
    step.rule = line.name.text;
    if (line.values.empty())
      return true;
    scope.emitter.report(diag::Id::bad_element, line.name.span, fmt::format("rule `{}` has no key", line.name.text));
    return false;
  }
  if (!symbol || symbol->kind != SymbolKind::Counter)
    return unknownCounter(scope, line);
  step.id = symbol->index;
  return counterKey(scope, line, scope.policy.counters[symbol->index], step);
}

bool holds(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  if (!given(scope, line, step))
    return false;
  if (step.elements.size() == 1)
    return true;
  scope.emitter.report(diag::Id::bad_element, line.span, "one element is needed, not several");
  return false;
}

bool happens(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  const Symbol* symbol = resolve(scope, line.name, SymbolKind::Event);
  if (!symbol)
    return false;
  step.id = symbol->index;
  step.op = static_cast<ir::Op>(static_cast<unsigned>(line.op));
  step.number = line.number;
  return true;
}

bool checkRuleName(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  if (!line.rule)
    return true;
  step.rule = line.rule->text;
  if (scope.rules.contains(step.rule))
    return true;
  reportMissing(scope, *line.rule, fmt::format("there is no rule `{}`", step.rule), ruleNames(scope));
  return false;
}

bool checkTarget(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  if (line.target.empty())
    return true;
  if (step.verdict != ir::Verdict::Redirect) {
    scope.emitter.report(
        diag::Id::bad_redirect, line.redirect_kind.span,
        fmt::format("`{}` goes to nowhere in particular: only a `redirect` has a target", line.verdict.text));
    return false;
  }
  std::vector<ir::Expr> guards;
  step.target = checkRedirect(scope, line.redirect_kind, line.target, guards);
  if (!step.target || guards.empty())
    return step.target.has_value();
  scope.emitter.report(diag::Id::bad_redirect, line.target[0].span, "a test names the CPU itself");
  return false;
}

bool sends(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  const auto verdict = ir::verdictByName(line.verdict.text);
  if (!verdict)
    return false;
  step.verdict = *verdict;
  step.times = line.times;
  bool ok = checkRuleName(scope, line, step) && checkTarget(scope, line, step);
  if (line.times > kMaxTimes) {
    scope.emitter.report(diag::Id::out_of_range, line.span,
                         fmt::format("`times {}` is out of range: 1 to {}", line.times, kMaxTimes));
    ok = false;
  }
  if (!line.packet)
    return false;
  auto packet = buildPacket(scope, *line.packet);
  if (!packet)
    return false;
  step.frame = std::move(packet->frame);
  step.ifindex = packet->ifindex;
  step.rx_queue = packet->rx_queue;
  if (!line.becomes)
    return ok;
  auto becomes = buildExpectation(scope, *line.becomes);
  if (!becomes)
    return false;
  step.becomes = std::move(*becomes);
  return ok;
}

bool checkLine(Scope& scope, const ast::TestLine& line, ir::TestStep& step) {
  switch (line.kind) {
  case ast::TestLineKind::Given:
    step.kind = ir::TestStepKind::Given;
    return given(scope, line, step);
  case ast::TestLineKind::Packet:
    step.kind = ir::TestStepKind::Packet;
    return sends(scope, line, step);
  case ast::TestLineKind::Wait:
    step.kind = ir::TestStepKind::Wait;
    return waits(scope, line, step);
  case ast::TestLineKind::Counter:
    step.kind = ir::TestStepKind::Counter;
    return counts(scope, line, step);
  case ast::TestLineKind::Has:
    step.kind = ir::TestStepKind::Has;
    return holds(scope, line, step);
  case ast::TestLineKind::Lacks:
    step.kind = ir::TestStepKind::Lacks;
    return holds(scope, line, step);
  case ast::TestLineKind::Event:
    step.kind = ir::TestStepKind::Event;
    return happens(scope, line, step);
  }
  return false;
}

} // namespace

void checkTest(Scope& scope, const ast::Test& test) {
  ir::Test made;
  made.title = test.title;
  made.span = test.span;
  for (const ast::TestLine& line : test.lines) {
    ir::TestStep step;
    step.span = line.span;
    if (checkLine(scope, line, step))
      made.steps.push_back(std::move(step));
  }
  scope.policy.tests.push_back(std::move(made));
}

} // namespace xdpc::sema
