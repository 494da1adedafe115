// Checks `over` and `within`: a declared meter, or one of the rule's own. Tested by tests/unit/sema/rule_test.cpp.
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

// The first meter of a rule bears the rule's name, others in its blocks `NAME#2` and so on.
std::string inlineName(const Scope& scope, const std::string& rule) {
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(scope.policy.meters, [&](const ir::Meter& meter) { return meter.name == name; });
  };
  std::string name = rule;
  for (unsigned number = 2; taken(name); ++number)
    name = fmt::format("{}#{}", rule, number);
  return name;
}

std::optional<ir::MeterId> inlineMeter(Scope& scope, const ast::MeterUse& use, const std::string& rule) {
  ir::Meter meter;
  meter.span = use.span;
  if (!checkMeterClauses(scope, use.inline_meter, use.span, meter))
    return std::nullopt;
  if (const Symbol* symbol = lookUp(scope, rule); symbol && symbol->kind == SymbolKind::Meter) {
    diag::Diagnostic& error =
        scope.emitter.report(diag::Id::duplicate_name, use.span,
                             fmt::format("the meter of rule `{}` bears its name, as another meter does", rule));
    error.notes.push_back({symbol->span, "the other one is here"});
    return std::nullopt;
  }
  meter.name = inlineName(scope, rule);
  scope.policy.meters.push_back(std::move(meter));
  return static_cast<ir::MeterId>(scope.policy.meters.size() - 1);
}

void requireKey(std::optional<ir::Expr>& condition, const HeaderSet& needs, Span span) {
  if (needs.empty())
    return;
  ir::Expr all;
  all.kind = ir::ExprKind::And;
  all.type = {ir::TypeKind::Bool};
  all.span = condition ? condition->span : span;
  if (condition)
    all.args.push_back(std::move(*condition));
  for (ir::HeaderId id : needs)
    all.args.push_back(present(id, span));
  condition = all.args.size() == 1 ? std::move(all.args[0]) : std::move(all);
}

} // namespace

std::optional<MeterUse> checkMeterUse(Scope& scope, const ast::MeterUse& use, const std::string& rule,
                                      std::optional<ir::Expr>& condition) {
  std::optional<ir::MeterId> id;
  if (!use.name)
    id = inlineMeter(scope, use, rule);
  else if (const Symbol* symbol = resolve(scope, *use.name, SymbolKind::Meter))
    id = symbol->index;
  if (!id)
    return std::nullopt;
  ir::Meter& meter = scope.policy.meters[*id];
  meter.used = true;
  requireKey(condition, headersOf(meter.key), use.span);
  return MeterUse{*id, use.within};
}

} // namespace xdpc::sema
