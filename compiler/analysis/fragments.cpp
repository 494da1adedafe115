// A port is dropped, and the later fragments of the same packet, which have no ports, pass by default. Said once, at
// the first such rule, and not where any rule looks at fragments: then it has been thought of.
#include "compiler/analysis/warnings.h"

#include <algorithm>

namespace xdpc::analysis {
namespace {

using Test = bool (*)(const ir::Policy&, const ir::Expr&);

bool contains(const ir::Policy& policy, const ir::Expr& expr, Test test) {
  return test(policy, expr) || std::any_of(expr.args.begin(), expr.args.end(),
                                           [&](const ir::Expr& arg) { return contains(policy, arg, test); });
}

bool isOfFragments(const ir::Policy& policy, const ir::Expr& expr) {
  if (expr.kind != ir::ExprKind::Field && expr.kind != ir::ExprKind::Present)
    return false;
  const ir::Header& header = policy.headers[expr.header];
  if (header.name == "fragment")
    return true;
  if (expr.kind == ir::ExprKind::Present)
    return false;
  const std::string& field = header.fields[expr.field].name;
  return field == "fragment" || field == "fragment_offset" || field == "more_fragments";
}

bool isPort(const ir::Policy&, const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Field && expr.type.port;
}

// A ban of what a set holds is no closed door.
bool readsSet(const ir::Policy&, const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::InSet;
}

bool dropsAlways(const ir::Block& block) {
  return block.verdict == ir::Verdict::Drop || block.verdict == ir::Verdict::Abort;
}

} // namespace

void warnOfFragments(const ir::Policy& policy, diag::Emitter& emitter) {
  if (policy.rules.empty() || policy.rules.back().body.verdict != ir::Verdict::Pass)
    return;
  const ir::Rule* first = nullptr;
  for (const ir::Rule& rule : policy.rules) {
    if (rule.condition && contains(policy, *rule.condition, isOfFragments))
      return;
    if (!first && rule.condition && !rule.meter && dropsAlways(rule.body) &&
        contains(policy, *rule.condition, isPort) && !contains(policy, *rule.condition, readsSet))
      first = &rule;
  }
  if (!first)
    return;
  diag::Diagnostic& warning = emitter.report(diag::Id::later_fragments, first->condition->span,
                                             "later fragments have no ports: they pass this rule and the whole policy");
  warning.help =
      "drop fragments by a rule of their own, `fragments: drop when ip.fragment`, or let them pass knowingly "
      "with `fragments: pass when ip.fragment`";
}

} // namespace xdpc::analysis
