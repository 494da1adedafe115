// Checks lists of rules and where they are applied: each is checked once, at its first place, so that its rules stand
// in the order in which a packet meets them. Tested by tests/unit/sema/rule_list_test.cpp.
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace xdpc::sema {

namespace {

constexpr unsigned kMaxApplied = 64; // lists in lists

// `apply NAME [when condition]` as a statement of its own is no rule: it has no name, counter or meter.
bool isApply(const ast::Rule& rule) {
  return !rule.block && !rule.name && !rule.meter && rule.body.size() == 1 && rule.body[0].statement &&
         rule.body[0].statement->kind == ast::StatementKind::Apply;
}

void addApply(Scope& scope, const ast::Rule& decl, ir::ListId id) {
  ir::ListItem item;
  item.span = decl.span;
  if (decl.condition)
    item.condition = checkWholeCondition({scope, {}}, *decl.condition);
  const auto list = applyList(scope, decl.body[0].statement->name);
  if (!list)
    return;
  item.list = *list;
  scope.policy.lists[id].items.push_back(std::move(item));
}

// `was`: the list's former name, or nothing.
void addRule(Scope& scope, const ast::Rule& decl, ir::ListId id, const std::string& was, size_t number) {
  // Unnamed rules of a list are numbered within it.
  const std::string list = id == 0 ? "" : scope.policy.lists[id].name;
  ir::ListItem item;
  item.span = decl.span;
  item.rule = checkRule(scope, decl, fmt::format("{}#{}", list, number));
  if (!decl.name && !was.empty())
    scope.policy.rules[*item.rule].was = fmt::format("{}#{}", was, number);
  scope.policy.lists[id].items.push_back(std::move(item));
  ++scope.expanded;
}

void checkList(Scope& scope, uint32_t index) {
  const ast::RulesDecl& decl = *scope.lists[index].decl;
  const auto id = static_cast<ir::ListId>(scope.policy.lists.size());
  scope.policy.lists.push_back({.name = decl.name.text, .items = {}, .span = decl.span});
  scope.lists[index].id = id;
  scope.lists[index].progress = Progress::active;
  const uint64_t before = std::exchange(scope.expanded, 0);
  checkItems(scope, decl.rules, id, decl.was ? decl.was->text : "");
  scope.lists[index].expanded = std::exchange(scope.expanded, before);
  scope.lists[index].progress = Progress::done;
}

bool tooManyRules(Scope& scope, Span span) {
  if (scope.expanded <= kMaxRules)
    return false;
  scope.emitter.report(
      diag::Id::too_large, span,
      fmt::format("with what it applies the policy has {} rules, the bound is {}", scope.expanded, kMaxRules));
  scope.expanded = 0; // said once
  return true;
}

} // namespace

void declareLists(Scope& scope, const ast::File& file) {
  for (const ast::RulesDecl& decl : file.rules) {
    declare(scope, decl.name, SymbolKind::Rules, static_cast<uint32_t>(scope.lists.size()));
    scope.lists.push_back({.decl = &decl});
  }
}

void checkItems(Scope& scope, const std::vector<ast::Rule>& rules, ir::ListId id, const std::string& was) {
  size_t number = 0;
  for (size_t i = 0; i < rules.size(); ++i) {
    if (isApply(rules[i]))
      addApply(scope, rules[i], id);
    else
      addRule(scope, rules[i], id, was, ++number);
    if (id == 0 && scope.around.checked)
      scope.around.checked(i);
  }
}

std::optional<ir::ListId> applyList(Scope& scope, const ast::Name& name) {
  const Symbol* symbol = resolve(scope, name, SymbolKind::Rules);
  if (!symbol)
    return std::nullopt;
  const uint32_t index = symbol->index;
  if (scope.lists[index].progress == Progress::active) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::cyclic_definition, name.span,
                                                   fmt::format("`{}` is applied within itself", name.text));
    error.notes.push_back({symbol->span, "the list is here"});
    return std::nullopt;
  }
  if (scope.lists[index].progress == Progress::untouched) {
    if (scope.applied == kMaxApplied) {
      scope.emitter.report(diag::Id::too_deep, name.span,
                           fmt::format("lists are applied in lists more than {} deep", kMaxApplied));
      return std::nullopt;
    }
    ++scope.applied;
    checkList(scope, index);
    --scope.applied;
  }
  scope.expanded += scope.lists[index].expanded;
  if (tooManyRules(scope, name.span))
    return std::nullopt;
  return scope.lists[index].id;
}

void checkUnapplied(Scope& scope) {
  const auto untouched = [](const ListState& list) { return list.progress == Progress::untouched; };
  if (std::ranges::none_of(scope.lists, untouched))
    return;
  // Their mistakes are mistakes; what they would use is not used.
  ir::Policy kept = scope.policy;
  const auto rules = scope.rules;
  for (uint32_t index = 0; index < scope.lists.size(); ++index) {
    if (!untouched(scope.lists[index]))
      continue;
    const ast::Name& name = scope.lists[index].decl->name;
    if (name.span.file == scope.policy.source)
      scope.emitter.report(diag::Id::never_applied, name.span, fmt::format("the list `{}` is never applied", name.text))
          .help = fmt::format("write `apply {}` in the policy", name.text);
    scope.rules = rules;
    checkList(scope, index);
  }
  kept.const_sets = std::move(scope.policy.const_sets); // constants remember the numbers of theirs
  scope.policy = std::move(kept);
  scope.rules = rules;
}

} // namespace xdpc::sema
