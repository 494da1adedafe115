// Checks rules: names, conditions, meters, blocks up to their verdict, and `default`. Tested by
// tests/unit/sema/rule_test.cpp.
#include "compiler/sema/rule.h"
#include "compiler/ir/verdict.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

bool endsPacket(const ir::Block& block) {
  return block.verdict.has_value();
}

class BlockChecker {
public:
  explicit BlockChecker(Scope& scope) : scope_(scope) {}

  ir::Block check(const std::vector<ast::BlockItem>& items) {
    ir::Block block;
    bool ended = false;
    for (const ast::BlockItem& item : items) {
      if (ended) {
        scope_.emitter.report(diag::Id::after_verdict, spanOf(item),
                              "this is never reached: a verdict stands before it");
        break;
      }
      ended = add(item, block);
    }
    return block;
  }

private:
  static Span spanOf(const ast::BlockItem& item) {
    return item.statement ? item.statement->span : item.nested.empty() ? Span{} : item.nested[0].span;
  }

  // True if nothing behind the item is reached.
  bool add(const ast::BlockItem& item, ir::Block& block) {
    if (!item.statement)
      return item.nested.empty() ? false : addBranch(item.nested[0], block);
    const ast::Statement& statement = *item.statement;
    if (statement.kind == ast::StatementKind::Verdict) {
      block.verdict = ir::verdictByName(statement.name.text);
      block.verdict_span = statement.span;
      return true;
    }
    if (auto action = checkAction(scope_, statement)) {
      ir::Step step;
      step.action = std::move(*action);
      block.steps.push_back(std::move(step));
    }
    return statement.kind == ast::StatementKind::Redirect;
  }

  bool addBranch(const ast::Rule& nested, ir::Block& block) {
    if (depth_ == kMaxNesting) {
      scope_.emitter.report(diag::Id::too_deep, nested.span,
                            fmt::format("blocks are nested more than {} deep", kMaxNesting));
      return false;
    }
    if (nested.meter)
      notImplemented(scope_, nested.meter->span, nested.meter->within ? "within in a block" : "over in a block");
    if (nested.name)
      scope_.emitter.report(diag::Id::bad_clause, nested.name->span, "a condition in a block has no name of its own");
    ++depth_;
    ir::Branch branch;
    branch.span = nested.span;
    if (nested.condition) {
      if (auto condition = checkWholeCondition({scope_, {}}, *nested.condition))
        branch.condition = std::move(*condition);
    } else {
      branch.condition = truth(true, nested.span).expr;
    }
    branch.then = check(nested.body);
    if (nested.otherwise)
      branch.otherwise = check(*nested.otherwise);
    --depth_;
    const bool ended = endsPacket(branch.then) && endsPacket(branch.otherwise);
    ir::Step step;
    step.branch.push_back(std::move(branch));
    block.steps.push_back(std::move(step));
    return ended;
  }

  static constexpr unsigned kMaxNesting = 32;
  Scope& scope_;
  unsigned depth_ = 0;
};

std::optional<ir::MeterId> inlineMeter(Scope& scope, const ast::MeterUse& use, const std::string& rule) {
  ir::Meter meter;
  meter.name = rule;
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
  scope.policy.meters.push_back(std::move(meter));
  return static_cast<ir::MeterId>(scope.policy.meters.size() - 1);
}

// A packet without the key's fields neither conforms nor exceeds: the rule requires their headers.
void requireKey(Scope& scope, ir::Rule& rule, Span span) {
  const HeaderSet needs = headersOf(scope.policy.meters[*rule.meter].key);
  if (needs.empty())
    return;
  ir::Expr all;
  all.kind = ir::ExprKind::And;
  all.type = {ir::TypeKind::Bool};
  all.span = rule.condition ? rule.condition->span : span;
  if (rule.condition)
    all.args.push_back(std::move(*rule.condition));
  for (ir::HeaderId id : needs)
    all.args.push_back(present(id, span));
  rule.condition = all.args.size() == 1 ? std::move(all.args[0]) : std::move(all);
}

void checkMeterUse(Scope& scope, const ast::MeterUse& use, ir::Rule& rule) {
  if (use.name) {
    if (const Symbol* symbol = resolve(scope, *use.name, SymbolKind::Meter))
      rule.meter = symbol->index;
  } else {
    rule.meter = inlineMeter(scope, use, rule.name);
  }
  if (!rule.meter)
    return;
  rule.within = use.within;
  scope.policy.meters[*rule.meter].used = true;
  requireKey(scope, rule, use.span);
}

void declareRule(Scope& scope, const ir::Rule& rule, ir::RuleId id, const std::optional<ast::Name>& name) {
  const auto [it, inserted] = scope.rules.try_emplace(rule.name, id);
  if (!inserted) {
    diag::Diagnostic& error =
        scope.emitter.report(diag::Id::duplicate_name, name->span, fmt::format("two rules are named `{}`", rule.name));
    error.notes.push_back({scope.policy.rules[it->second].name_span, "the first one is here"});
  }
  const Symbol* symbol = name ? lookUp(scope, name->text) : nullptr;
  if (symbol && symbol->kind == SymbolKind::Counter) {
    diag::Diagnostic& error = scope.emitter.report(
        diag::Id::duplicate_name, name->span,
        fmt::format("rule `{}` has the name of a counter, and every rule counts under its own name", rule.name));
    error.notes.push_back({symbol->span, "the counter is here"});
  }
}

void checkRule(Scope& scope, const ast::Rule& decl, ir::RuleId id) {
  ir::Rule rule;
  rule.name = decl.name ? decl.name->text : fmt::format("#{}", id + 1);
  rule.span = decl.span;
  rule.name_span = decl.name ? decl.name->span : decl.span;
  declareRule(scope, rule, id, decl.name);
  if (decl.condition)
    rule.condition = checkWholeCondition({scope, {}}, *decl.condition);
  if (decl.meter)
    checkMeterUse(scope, *decl.meter, rule);
  if (decl.otherwise)
    notImplemented(scope, decl.span, "else of a rule");
  rule.body = BlockChecker(scope).check(decl.body);
  scope.policy.rules.push_back(std::move(rule));
}

void checkDefault(Scope& scope, const ast::Policy& policy) {
  ir::Rule rule;
  rule.name = "default";
  rule.span = rule.name_span = policy.otherwise ? policy.default_span : policy.name.span;
  if (policy.otherwise) {
    rule.body = BlockChecker(scope).check(*policy.otherwise);
    const bool decides =
        rule.body.verdict || (!policy.otherwise->empty() && policy.otherwise->back().statement &&
                              policy.otherwise->back().statement->kind == ast::StatementKind::Redirect);
    if (!decides)
      scope.emitter.report(diag::Id::missing_verdict, rule.span, "`default` does not end in a verdict").help =
          "end it with `pass` or `drop`";
  } else {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::missing_default, policy.name.span,
                                                   fmt::format("policy `{}` has no `default`", policy.name.text));
    error.help = "end it with `default pass` or `default drop`";
  }
  scope.rules.try_emplace(rule.name, static_cast<ir::RuleId>(scope.policy.rules.size()));
  scope.policy.rules.push_back(std::move(rule));
}

} // namespace

void checkRules(Scope& scope, const ast::Policy& policy) {
  if (policy.rules.size() > kMaxRules) {
    scope.emitter.report(diag::Id::too_large, policy.rules[kMaxRules].span,
                         fmt::format("the policy has {} rules, the bound is {}", policy.rules.size(), kMaxRules));
    return;
  }
  for (ir::RuleId id = 0; id < policy.rules.size(); ++id)
    checkRule(scope, policy.rules[id], id);
  checkDefault(scope, policy);
  for (const ast::OnVerdict& on : policy.on)
    notImplemented(scope, on.span, "on");
}

} // namespace xdpc::sema
