// Checks rules: names, conditions, meters, `default` and `on`. Tested by tests/unit/sema/rule_test.cpp.
#include "compiler/sema/rule.h"
#include "compiler/ir/block.h"
#include "compiler/ir/verdict.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

void declareRule(Scope& scope, const ir::Rule& rule, const std::optional<ast::Name>& name) {
  const auto [it, inserted] = scope.rules.try_emplace(rule.name, rule.name_span);
  if (!inserted) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::duplicate_name, rule.name_span,
                                                   fmt::format("two rules are named `{}`", rule.name));
    error.notes.push_back({it->second, "the first one is here"});
  }
  const Symbol* symbol = name ? lookUp(scope, name->text) : nullptr;
  if (symbol && symbol->kind == SymbolKind::Counter) {
    diag::Diagnostic& error = scope.emitter.report(
        diag::Id::duplicate_name, name->span,
        fmt::format("rule `{}` has the name of a counter, and every rule counts under its own name", rule.name));
    error.notes.push_back({symbol->span, "the counter is here"});
  }
}

void checkDefault(Scope& scope, const ast::Policy& policy) {
  ir::Rule rule;
  rule.name = "default";
  rule.span = rule.name_span = policy.otherwise ? policy.default_span : policy.name.span;
  scope.rules.try_emplace(rule.name, rule.name_span);
  if (policy.otherwise) {
    rule.body = checkBlock(scope, *policy.otherwise, rule.name);
    if (!ir::endsPacket(rule.body))
      scope.emitter.report(diag::Id::missing_verdict, rule.span, "`default` does not end in a verdict").help =
          "end it with `pass` or `drop`";
  } else if (!policy.default_span.file) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::missing_default, policy.name.span,
                                                   fmt::format("policy `{}` has no `default`", policy.name.text));
    error.help = "end it with `default pass` or `default drop`";
  }
  ir::ListItem item;
  item.rule = static_cast<ir::RuleId>(scope.policy.rules.size());
  item.span = rule.span;
  scope.policy.rules.push_back(std::move(rule));
  scope.policy.lists[0].items.push_back(std::move(item));
}

void checkOn(Scope& scope, const ast::OnVerdict& decl) {
  const auto verdict = ir::verdictByName(decl.verdict.text);
  if (!verdict)
    return notImplemented(scope, decl.verdict.span, decl.verdict.text);
  std::vector<ir::Expr> guards; // an event has none
  auto emit = checkAction(scope, decl.emit, guards);
  ir::OnVerdict on{.verdict = *verdict};
  on.span = decl.span;
  if (decl.condition)
    on.condition = checkWholeCondition({scope, {}}, *decl.condition);
  if (!emit)
    return;
  on.emit = std::move(*emit);
  scope.policy.on.push_back(std::move(on));
}

bool isOneRedirect(const std::vector<ast::BlockItem>& body) {
  return body.size() == 1 && body[0].statement && body[0].statement->kind == ast::StatementKind::Redirect;
}

} // namespace

ir::RuleId checkRule(Scope& scope, const ast::Rule& decl, const std::string& number) {
  ir::Rule rule;
  rule.name = decl.name ? decl.name->text : number;
  rule.was = decl.was ? decl.was->text : "";
  rule.span = decl.span;
  rule.name_span = decl.name ? decl.name->span : decl.span;
  declareRule(scope, rule, decl.name);
  // Its place before those of the rules that its block applies.
  const auto id = static_cast<ir::RuleId>(scope.policy.rules.size());
  scope.policy.rules.emplace_back();
  if (decl.condition)
    rule.condition = checkWholeCondition({scope, {}}, *decl.condition);
  if (decl.meter)
    if (const auto use = checkMeterUse(scope, *decl.meter, rule.name, rule.condition)) {
      rule.meter = use->meter;
      rule.within = use->within;
    }
  rule.body = checkBlock(scope, decl.body, rule.name);
  if (isOneRedirect(decl.body))
    hoistCondition(rule);
  if (decl.otherwise)
    rule.otherwise = checkBlock(scope, *decl.otherwise, rule.name);
  scope.policy.rules[id] = std::move(rule);
  return id;
}

void checkRules(Scope& scope, const ast::Policy& policy) {
  if (policy.rules.size() > kMaxRules) {
    scope.emitter.report(diag::Id::too_large, policy.rules[kMaxRules].span,
                         fmt::format("the policy has {} rules, the bound is {}", policy.rules.size(), kMaxRules));
    return;
  }
  scope.policy.lists.push_back({.name = policy.name.text, .items = {}, .span = policy.span});
  scope.policy.rules.reserve(policy.rules.size() + 1);
  scope.policy.lists[0].items.reserve(policy.rules.size() + 1);
  checkItems(scope, policy.rules, 0);
  checkDefault(scope, policy);
  for (const ast::OnVerdict& on : policy.on)
    checkOn(scope, on);
  checkUnapplied(scope);
}

} // namespace xdpc::sema
