// Walks expressions and actions.
#include "compiler/plan/visit.h"

#include <algorithm>

namespace xdpc::plan {

void visitExpr(const ir::Expr& expr, const ExprVisitor& visit) {
  visit(expr);
  for (const ir::Expr& arg : expr.args)
    visitExpr(arg, visit);
}

void visitBlock(const ir::Block& block, const ExprVisitor& expr, const ActionVisitor& action) {
  for (const ir::Step& step : block.steps) {
    if (step.action) {
      action(*step.action);
      for (const ir::Expr& key : step.action->key)
        visitExpr(key, expr);
    }
    for (const ir::Branch& branch : step.branch) {
      visitExpr(branch.condition, expr);
      visitBlock(branch.then, expr, action);
      visitBlock(branch.otherwise, expr, action);
    }
  }
}

void visitRules(const ir::Policy& policy, const ExprVisitor& expr, const ActionVisitor& action) {
  auto visit_action = [&](const ir::Action& it) {
    action(it);
    if (it.kind == ir::ActionKind::Emit)
      for (const ir::EventField& field : policy.events[it.id].fields)
        visitExpr(field.value, expr);
    if (it.kind == ir::ActionKind::Count)
      for (const ir::Expr& key : policy.counters[it.id].key)
        visitExpr(key, expr);
  };
  for (const ir::Rule& rule : policy.rules) {
    if (rule.condition)
      visitExpr(*rule.condition, expr);
    if (rule.meter)
      for (const ir::Expr& key : policy.meters[*rule.meter].key)
        visitExpr(key, expr);
    visitBlock(rule.body, expr, visit_action);
  }
}

std::vector<ir::HeaderId> headersOf(const std::vector<ir::Expr>& exprs) {
  std::vector<ir::HeaderId> headers;
  auto add = [&](const ir::Expr& expr) {
    bool reads = expr.kind == ir::ExprKind::Field || expr.kind == ir::ExprKind::PayloadLength ||
                 expr.kind == ir::ExprKind::LastProtocol || expr.kind == ir::ExprKind::Slice;
    if (reads && std::find(headers.begin(), headers.end(), expr.header) == headers.end())
      headers.push_back(expr.header);
  };
  for (const ir::Expr& expr : exprs)
    visitExpr(expr, add);
  return headers;
}

} // namespace xdpc::plan
