// `xdpc explain`: what a policy does with one packet, rule by rule, and which part of a condition failed. The parts are
// compiled as rules of their own, which count and decide nothing, and run on the embedded engine: what is said comes
// from the same code as what happens. Tested by tests/lit/cli/explain.test.
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/engines.h"
#include "driver/explain_values.h"
#include "driver/output.h"
#include "driver/test_runner.h"
#include "runtime/abi/verdict.h"
#include "runtime/counters/counters.h"
#include "runtime/object/object.h"

#include <algorithm>
#include <map>
#include <set>

namespace xdpc::driver {

namespace {

// A condition to ask about: of the rule as a whole, or one operand of its `and`.
struct Question {
  ir::RuleId rule = 0;
  const ir::Expr* part = nullptr;      // none: the whole
  std::vector<const ir::Expr*> before; // operands that it relies on: a lookup on the presence of what it looks up
};

// Presence and guards stand in front of what they are for, at its place: they are one term with it.
bool isTerm(const ir::Expr& expr) {
  const Span& first = expr.args.empty() ? expr.span : expr.args.front().span;
  return expr.kind != ir::ExprKind::And || (first.begin == expr.span.begin && first.end == expr.span.end);
}

void addTerms(const ir::Expr& expr, ir::RuleId rule, std::vector<const ir::Expr*>& before, std::vector<Question>& out) {
  if (isTerm(expr)) {
    out.push_back({rule, &expr, before});
    before.push_back(&expr);
    return;
  }
  for (const ir::Expr& arg : expr.args)
    addTerms(arg, rule, before, out);
}

ir::Expr conditionOf(const Question& question, const ir::Rule& rule) {
  if (!question.part)
    return *rule.condition;
  if (question.before.empty())
    return *question.part;
  ir::Expr all{.kind = ir::ExprKind::And, .type = question.part->type};
  all.span = question.part->span;
  for (const ir::Expr* expr : question.before)
    all.args.push_back(*expr);
  all.args.push_back(*question.part);
  return all;
}

std::vector<Question> questionsOf(const ir::Policy& policy, const std::set<ir::RuleId>& rules) {
  std::vector<Question> questions;
  for (ir::RuleId id : rules) {
    const auto& condition = policy.rules[id].condition;
    if (!condition)
      continue;
    questions.push_back({id, nullptr, {}});
    std::vector<const ir::Expr*> before;
    if (!isTerm(*condition))
      addTerms(*condition, id, before, questions);
  }
  return questions;
}

// The policy whose rules ask, one a question, and let everything by.
ir::Policy asking(const ir::Policy& policy, const std::vector<Question>& questions, const ExplainedValues& values) {
  ir::Policy out = policy;
  out.rules.clear();
  out.on.clear();
  out.lists.assign(1, {.name = policy.name, .items = {}, .span = policy.span});
  for (size_t i = 0; i < questions.size(); ++i) {
    const ir::Rule& rule = policy.rules[questions[i].rule];
    ir::Rule one;
    one.name = fmt::format("#{}", i + 1);
    one.condition = conditionOf(questions[i], rule);
    one.span = one.name_span = rule.span;
    out.rules.push_back(std::move(one));
  }
  values.addTo(out);
  ir::Rule last;
  last.name = "default";
  last.body.verdict = ir::Verdict::Pass;
  last.span = last.name_span = policy.rules.back().span;
  out.rules.push_back(std::move(last));
  for (ir::RuleId id = 0; id < out.rules.size(); ++id)
    out.lists[0].items.push_back({.rule = id});
  return out;
}

using Failed = engine::EngineError;

struct Ran {
  engine::Outcome outcome;
  std::vector<abi::Cell> slots;
  std::vector<std::string> names; // of the slots
};

Result<Ran, Failed> runOn(const object::Object& object, const ir::TestStep& packet, ExplainedValues* values = nullptr) {
  auto engine = loadEngine("vm", object);
  if (!engine)
    return engine.error();
  auto outcome = (*engine)->run({packet.frame, kTestClockStart, packet.ifindex, packet.rx_queue});
  if (!outcome)
    return outcome.error();
  auto slots = counters::readSlots((*engine)->maps(), object.manifest);
  if (!slots)
    return Failed{slots.error().message, {}, false};
  if (values)
    values->read((*engine)->maps(), object.manifest);
  Ran ran{std::move(*outcome), std::move(*slots), {}};
  for (const abi::Slot& slot : object.manifest.slots)
    ran.names.push_back(slot.name);
  return ran;
}

std::string oneLine(const Span& span) {
  std::string text(span.text());
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n')) {
    const size_t end = text.find_first_not_of(" \t\n", at);
    text.replace(at, (end == std::string::npos ? text.size() : end) - at, " ");
  }
  return text;
}

constexpr size_t kMostAsked = 200; // rules, whose parts are compiled one by one

// Rules to ask about, by their numbers: those that are named, or all up to the one that decided, unless they are many.
std::set<ir::RuleId> rulesToAsk(const ir::Policy& policy, const Ran& ran, const std::vector<std::string>& names) {
  std::set<ir::RuleId> rules;
  const std::string& decider = ran.names.at(ran.outcome.slot);
  for (ir::RuleId id = 0; id < policy.rules.size(); ++id) {
    const std::string& name = policy.rules[id].name;
    if (std::ranges::find(names, name) != names.end())
      rules.insert(id);
    if (names.empty() && name == decider)
      break;
    if (names.empty())
      rules.insert(id);
  }
  if (names.empty() && rules.size() > kMostAsked)
    rules.clear();
  return rules;
}

class Explanation {
public:
  Explanation(const ir::Policy& policy, const std::vector<Question>& questions, const ExplainedValues& values,
              const Ran& asked, const Ran& ran)
      : policy_(policy), values_(values), asked_(asked), ran_(ran) {
    for (size_t i = 0; i < ran.names.size(); ++i)
      slots_.emplace(ran.names[i], i);
    for (size_t i = 0; i < questions.size(); ++i)
      questions_[questions[i].rule].push_back({i, questions[i].part});
  }

  void print(const std::set<ir::RuleId>& asked) const {
    size_t others = 0;
    bool before = true; // the rule that decides
    for (ir::RuleId id = 0; id < policy_.rules.size(); ++id) {
      const bool decides = policy_.rules[id].name == decider();
      if (!decides && before && !asked.contains(id) && !counted(id))
        ++others;
      else if (decides || before)
        printLine("{}: {}", policy_.rules[id].name, decides ? verdict() : what(id));
      else if (asked.contains(id))
        printLine("{}: is behind the rule that decides{}", policy_.rules[id].name,
                  holdsAlone(id) ? ", and would hold" : "");
      before &= !decides;
    }
    printLine("{} by {}", abi::verdictName(ran_.outcome.verdict), decider());
    if (others > 0 && asked.empty())
      printLine("{} rules before it do not hold or are not reached: `--rule NAME` says why one does not", others);
  }

private:
  const std::string& decider() const { return ran_.names.at(ran_.outcome.slot); }
  bool holds(size_t question) const { return asked_.slots.at(question).packets > 0; }
  std::string verdict() const { return fmt::format("holds, {}", abi::verdictName(ran_.outcome.verdict)); }

  bool counted(ir::RuleId id) const { return ran_.slots.at(slots_.at(policy_.rules[id].name)).packets > 0; }

  struct Asked {
    size_t question;
    const ir::Expr* part; // none: the whole
  };
  const std::vector<Asked>& questionsTo(ir::RuleId id) const {
    static const std::vector<Asked> none;
    const auto found = questions_.find(id);
    return found == questions_.end() ? none : found->second;
  }

  bool holdsAlone(ir::RuleId id) const {
    return std::ranges::all_of(questionsTo(id), [this](const Asked& one) { return one.part || holds(one.question); });
  }

  std::string what(ir::RuleId id) const {
    if (counted(id))
      return "holds, goes on";
    std::string failed, read;
    const bool whole = holdsAlone(id);
    for (const Asked& one : questionsTo(id))
      if (one.part && !holds(one.question) && failed.empty())
        failed = oneLine(one.part->span), read = values_.textFor(*one.part);
    if (whole)
      return policy_.rules[id].meter ? "its meter does not hold" : "its list is not applied";
    if (failed.empty())
      read = values_.textFor(*policy_.rules[id].condition);
    return fmt::format("does not hold{}{}{}", failed.empty() ? "" : fmt::format(": not `{}`", failed),
                       read.empty()     ? ""
                       : failed.empty() ? ": "
                                        : ", ",
                       read);
  }

  const ir::Policy& policy_;
  std::map<ir::RuleId, std::vector<Asked>> questions_;
  std::map<std::string, size_t> slots_; // by name
  const ExplainedValues& values_;
  const Ran &asked_, &ran_;
};

std::string noSuchRule(const ir::Policy& policy, const std::string& name) {
  std::vector<std::string> names;
  for (const ir::Rule& rule : policy.rules)
    names.push_back(rule.name);
  const auto near = diag::nearest(name, names);
  return fmt::format("`{}` has no rule `{}`{}", policy.name, name,
                     near ? fmt::format(": did you mean `{}`?", *near) : "");
}

std::optional<object::Object> objectFor(Compilation& compilation) {
  const auto bytes = objectOf(compilation);
  if (!bytes)
    return {};
  auto object = object::readObject(*bytes);
  return object ? std::optional(std::move(*object)) : std::nullopt;
}

} // namespace

int explainCommand(const ExplainOptions& options) {
  int code = kFine;
  const auto compilation = compile(
      options.file,
      {.warnings = options.warnings, .bounds = options.bounds, .until = Until::object, .packet = options.packet}, code);
  if (!compilation)
    return code;
  const auto object = compilation->emitter.hasErrors() ? std::nullopt : objectFor(*compilation);
  if (!report(*compilation))
    return kWrong;
  const ir::Policy policy = *compilation->policy;
  for (const std::string& name : options.rules)
    if (std::ranges::find(policy.rules, name, &ir::Rule::name) == policy.rules.end())
      return fail(kUsage, noSuchRule(policy, name));
  const ir::TestStep packet = policy.tests.back().steps.back();
  const auto ran = runOn(*object, packet);
  if (!ran)
    return fail(kRefused, toText(ran.error()));
  const std::set<ir::RuleId> rules = rulesToAsk(policy, *ran, options.rules);
  const std::vector<Question> questions = questionsOf(policy, rules);
  ExplainedValues values(policy, rules);
  compilation->policy = asking(policy, questions, values);
  compilation->tables = false; // which are for rules that decide
  const auto asking_object = objectFor(*compilation);
  if (!asking_object) {
    report(*compilation);
    return kWrong;
  }
  const auto asked = runOn(*asking_object, packet, &values);
  if (!asked)
    return fail(kRefused, toText(asked.error()));
  Explanation(policy, questions, values, *asked, *ran).print(rules);
  return kFine;
}

} // namespace xdpc::driver
