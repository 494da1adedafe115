// Walks expressions and actions.
#include "compiler/plan/visit.h"

#include <algorithm>

namespace xdpc::plan {

void visitExpr(const ir::Expr& expr, const ExprVisitor& visit) {
  visit(expr);
  for (const ir::Expr& arg : expr.args)
    visitExpr(arg, visit);
}

namespace {

void visitKey(const ir::Policy& policy, std::optional<ir::MeterId> meter, const ExprVisitor& visit) {
  if (!meter)
    return;
  for (const ir::Expr& key : policy.meters[*meter].key)
    visitExpr(key, visit);
}

void visitBlock(const ir::Policy& policy, const ir::Block& block, const ExprVisitor& expr,
                const ActionVisitor& action) {
  for (const ir::Step& step : block.steps) {
    if (step.action) {
      action(*step.action);
      for (const ir::Expr& key : step.action->key)
        visitExpr(key, expr);
      for (const ir::Expr& target : step.action->targets)
        visitExpr(target, expr);
    }
    for (const ir::Branch& branch : step.branch) {
      visitExpr(branch.condition, expr);
      visitKey(policy, branch.meter, expr);
      visitBlock(policy, branch.then, expr, action);
      visitBlock(policy, branch.otherwise, expr, action);
    }
  }
  if (!block.redirect)
    return;
  if (block.redirect->cpu)
    visitExpr(*block.redirect->cpu, expr);
  for (const ir::HashPart& part : block.redirect->hash)
    visitExpr(part.value, expr);
}

} // namespace

void visitRedirects(const ir::Block& block, const RedirectVisitor& visit) {
  for (const ir::Step& step : block.steps)
    for (const ir::Branch& branch : step.branch) {
      visitRedirects(branch.then, visit);
      visitRedirects(branch.otherwise, visit);
    }
  if (block.redirect)
    visit(*block.redirect);
}

static void visitActionsOf(const ir::Block& block, const ActionVisitor& action) {
  for (const ir::Step& step : block.steps) {
    if (step.action)
      action(*step.action);
    for (const ir::Branch& branch : step.branch) {
      visitActionsOf(branch.then, action);
      visitActionsOf(branch.otherwise, action);
    }
  }
}

void visitActions(const ir::Policy& policy, const ActionVisitor& action) {
  for (const ir::Rule& rule : policy.rules) {
    visitActionsOf(rule.body, action);
    visitActionsOf(rule.otherwise, action);
  }
  for (const ir::OnVerdict& on : policy.on)
    action(on.emit);
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
    visitKey(policy, rule.meter, expr);
    visitBlock(policy, rule.body, expr, visit_action);
    visitBlock(policy, rule.otherwise, expr, visit_action);
  }
  for (const ir::RuleList& list : policy.lists)
    for (const ir::ListItem& item : list.items)
      if (item.condition)
        visitExpr(*item.condition, expr);
  for (const ir::OnVerdict& on : policy.on) {
    if (on.condition)
      visitExpr(*on.condition, expr);
    visit_action(on.emit);
  }
}

std::vector<ir::HeaderId> headersOf(const std::vector<ir::Expr>& exprs) {
  std::vector<ir::HeaderId> headers;
  auto add = [&](const ir::Expr& expr) {
    bool reads = expr.kind == ir::ExprKind::Field || expr.kind == ir::ExprKind::PayloadLength ||
                 expr.kind == ir::ExprKind::LastProtocol || expr.kind == ir::ExprKind::Slice ||
                 expr.kind == ir::ExprKind::Payload;
    if (reads && std::find(headers.begin(), headers.end(), expr.header) == headers.end())
      headers.push_back(expr.header);
  };
  for (const ir::Expr& expr : exprs)
    visitExpr(expr, add);
  return headers;
}

} // namespace xdpc::plan
