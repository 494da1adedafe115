// Groups rules by what they do.
#include "compiler/plan/classifier_body.h"
#include "compiler/ir/same.h"

#include <algorithm>

namespace xdpc::plan {
namespace {

constexpr size_t kMaxBodies = 32; // of a run: each is code in each leaf of the parser

// Changes what rules behind read, or where it is.
bool changesPacket(const ir::Action& action) {
  return action.kind == ir::ActionKind::Assign || action.kind == ir::ActionKind::PushVlan ||
         action.kind == ir::ActionKind::PopVlan;
}

bool anyStep(const ir::Block& block, bool (*matches)(const ir::Step&)) {
  return std::ranges::any_of(block.steps, [&](const ir::Step& step) {
    return matches(step) || std::ranges::any_of(step.branch, [&](const ir::Branch& branch) {
             return anyStep(branch.then, matches) || anyStep(branch.otherwise, matches);
           });
  });
}

// Counts and events without a sample, whose code is the same for all rules.
bool isSimple(const ir::Block& block) {
  return !block.redirect && std::ranges::all_of(block.steps, [](const ir::Step& step) {
    return step.action && ((step.action->kind == ir::ActionKind::Count && step.action->key.empty()) ||
                           (step.action->kind == ir::ActionKind::Emit && step.action->sample == 1));
  });
}

bool sameSteps(const ir::Block& left, const ir::Block& right) {
  return left.verdict == right.verdict &&
         std::ranges::equal(left.steps, right.steps, [](const ir::Step& one, const ir::Step& other) {
           return one.action->kind == other.action->kind && one.action->id == other.action->id;
         });
}

bool sameRemaining(const std::optional<ir::Expr>& left, const std::optional<ir::Expr>& right) {
  return left.has_value() == right.has_value() && (!left || ir::sameExpr(*left, *right));
}

bool isDecidedByPresence(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Present;
}

} // namespace

std::optional<SplitCondition> splitCondition(BoxMaker& maker, const std::optional<ir::Expr>& condition) {
  if (!condition)
    return SplitCondition{.boxes = Disjunction(1), .remaining = {}};
  if (auto boxes = maker.boxesOf(*condition))
    return SplitCondition{std::move(*boxes), {}};
  if (condition->kind != ir::ExprKind::And)
    return std::nullopt;
  // Presence stays in what remains, too: its fields are read behind it.
  ir::Expr decided = *condition, remaining = *condition;
  decided.args.clear();
  remaining.args.clear();
  for (const ir::Expr& arg : condition->args) {
    const bool can = maker.boxesOf(arg).has_value();
    if (can)
      decided.args.push_back(arg);
    if (!can || isDecidedByPresence(arg))
      remaining.args.push_back(arg);
  }
  if (decided.args.empty())
    return std::nullopt;
  auto boxes = maker.boxesOf(decided);
  if (!boxes)
    return std::nullopt;
  return SplitCondition{std::move(*boxes), std::move(remaining)};
}

bool alwaysEnds(const ir::Block& block) {
  return block.verdict || std::ranges::any_of(block.steps, [](const ir::Step& step) {
           return std::ranges::any_of(step.branch, [](const ir::Branch& branch) {
             return alwaysEnds(branch.then) && alwaysEnds(branch.otherwise);
           });
         });
}

bool canBeInRun(const ir::Rule& rule) {
  if (!rule.otherwise.steps.empty() || rule.otherwise.verdict)
    return false;
  if (anyStep(rule.body, [](const ir::Step& step) { return step.apply.has_value(); }))
    return false;
  return alwaysEnds(rule.body) ||
         !anyStep(rule.body, [](const ir::Step& step) { return step.action && changesPacket(*step.action); });
}

bool isPlainVerdict(const ir::Rule& rule) {
  return !rule.meter && rule.body.steps.empty() && rule.body.verdict && !rule.body.redirect;
}

std::optional<uint32_t> bodyFor(const ir::Policy& policy, ir::RuleId id, std::optional<ir::Expr> remaining,
                                std::vector<ClassifierBody>& bodies) {
  const ir::Rule& rule = policy.rules[id];
  const auto same = [&](const ClassifierBody& body) {
    const ir::Rule& other = policy.rules[body.rule];
    return isSimple(rule.body) && isSimple(other.body) && rule.meter == other.meter && rule.within == other.within &&
           sameSteps(rule.body, other.body) && sameRemaining(remaining, body.remaining);
  };
  const auto known = std::ranges::find_if(bodies, same);
  const auto number = static_cast<uint32_t>(known - bodies.begin());
  if (known == bodies.end()) {
    if (bodies.size() >= kMaxBodies)
      return std::nullopt;
    const bool goes_on = rule.meter || remaining || !alwaysEnds(rule.body);
    bodies.push_back({.rule = id, .remaining = std::move(remaining), .goes_on = goes_on});
  }
  return kFirstBody + number;
}

} // namespace xdpc::plan
