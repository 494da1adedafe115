// Numbers the constant sets that are in use anew. Tested by tests/unit/sema/constant_test.cpp.
#include "compiler/sema/prune.h"

#include <functional>
#include <optional>

namespace xdpc::sema {

namespace {

using Visit = std::function<void(ir::Expr&)>;

void each(ir::Expr& expr, const Visit& visit) {
  visit(expr);
  for (ir::Expr& arg : expr.args)
    each(arg, visit);
}

template <class Held>
  requires requires(Held held) { held.has_value(); }
void each(Held& expr, const Visit& visit) {
  if (expr)
    each(*expr, visit);
}

void each(std::vector<ir::Expr>& exprs, const Visit& visit) {
  for (ir::Expr& expr : exprs)
    each(expr, visit);
}

void each(ir::Block& block, const Visit& visit) {
  for (ir::Step& step : block.steps) {
    if (step.action)
      each(step.action->key, visit);
    for (ir::Branch& branch : step.branch) {
      each(branch.condition, visit);
      each(branch.then, visit);
      each(branch.otherwise, visit);
    }
  }
  if (!block.redirect)
    return;
  each(block.redirect->cpu, visit);
  for (ir::HashPart& part : block.redirect->hash)
    each(part.value, visit);
}

void each(ir::Header& header, const Visit& visit) {
  each(header.size, visit);
  each(header.length, visit);
  each(header.when, visit);
  each(header.start, visit);
  for (ir::Field& field : header.fields)
    each(field.derived, visit);
  for (ir::PayloadBy& payload : header.payload)
    each(payload.when, visit);
}

void each(ir::Policy& policy, const Visit& visit) {
  for (ir::Header& header : policy.headers)
    each(header, visit);
  for (ir::Meter& meter : policy.meters)
    each(meter.key, visit);
  for (ir::Counter& counter : policy.counters)
    each(counter.key, visit);
  for (ir::Event& event : policy.events)
    for (ir::EventField& field : event.fields)
      each(field.value, visit);
  for (ir::Rule& rule : policy.rules) {
    each(rule.condition, visit);
    each(rule.body, visit);
    each(rule.otherwise, visit);
  }
  for (ir::RuleList& list : policy.lists)
    for (ir::ListItem& item : list.items)
      each(item.condition, visit);
  for (ir::OnVerdict& on : policy.on)
    each(on.condition, visit);
  for (ir::Protect& protect : policy.protects)
    each(protect.condition, visit);
}

} // namespace

void pruneConstSets(ir::Policy& policy) {
  std::vector<std::optional<ir::ConstSetId>> number(policy.const_sets.size());
  std::vector<ir::ConstSet> kept;
  each(policy, [&](ir::Expr& expr) {
    if (expr.kind != ir::ExprKind::InConst)
      return;
    if (!number[expr.id]) {
      number[expr.id] = static_cast<ir::ConstSetId>(kept.size());
      kept.push_back(std::move(policy.const_sets[expr.id]));
    }
    expr.id = *number[expr.id];
  });
  policy.const_sets = std::move(kept);
}

} // namespace xdpc::sema
