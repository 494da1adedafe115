// Checks the statements of a rule that are no verdict: count, emit, add, remove. Tested by
// tests/unit/sema/rule_test.cpp.
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace xdpc::sema {

namespace {

void setNeeds(ir::Action& action, const HeaderSet& needs) {
  action.needs.assign(needs.begin(), needs.end());
}

std::optional<ir::Action> checkCount(Scope& scope, const ast::Statement& statement) {
  const Symbol* symbol = resolve(scope, statement.name, SymbolKind::Counter);
  if (!symbol)
    return std::nullopt;
  ir::Counter& counter = scope.policy.counters[symbol->index];
  counter.used = true;
  ir::Action action{.kind = ir::ActionKind::Count, .id = symbol->index, .key = counter.key};
  setNeeds(action, headersOf(counter.key));
  return action;
}

std::optional<ir::Action> checkEmit(Scope& scope, const ast::Statement& statement) {
  const Symbol* symbol = resolve(scope, statement.name, SymbolKind::Event);
  if (!symbol)
    return std::nullopt;
  ir::Action action{.kind = ir::ActionKind::Emit, .id = symbol->index};
  action.sample = statement.sample.value_or(1);
  if (action.sample > UINT32_MAX) {
    scope.emitter.report(diag::Id::out_of_range, statement.span,
                         fmt::format("`sample 1/{}` is out of range: one in 1 to {}", action.sample, UINT32_MAX));
    return std::nullopt;
  }
  scope.policy.events[symbol->index].used = true;
  return action;
}

bool isMapKey(const ir::Expr& guard) {
  return guard.kind == ir::ExprKind::MapHas;
}

void addLength(ir::Set& set, abi::Family family, unsigned length) {
  const abi::PrefixLength made{family, static_cast<uint8_t>(length)};
  if (!std::ranges::count(set.added_lengths, made))
    set.added_lengths.push_back(made);
}

// Lengths of the prefixes that this statement can name.
void noteLengths(ir::Set& set, const std::vector<ir::Expr>& key) {
  const auto at = abi::prefixPart(set.key);
  if (!at)
    return;
  const ir::Expr& part = key[*at];
  const bool masked = part.kind == ir::ExprKind::Mask;
  if (part.type.kind != ir::TypeKind::Ipv6)
    addLength(set, abi::Family::v4, masked ? part.v4_bits : 32);
  if (part.type.kind != ir::TypeKind::Ipv4)
    addLength(set, abi::Family::v6, masked ? part.v6_bits : 128);
}

std::optional<ir::Action> checkElementAction(Scope& scope, const ast::Statement& statement, ir::ActionKind kind,
                                             std::vector<ir::Expr>& guards) {
  const Symbol* symbol = resolve(scope, statement.name, SymbolKind::Set);
  if (!symbol)
    return std::nullopt;
  ir::Set& set = scope.policy.sets[symbol->index];
  set.used = set.added_by_policy = true;
  ir::Action action{.kind = kind, .id = symbol->index};
  action.duration_ns = set.timeout_ns ? set.timeout_ns : abi::kNever;
  if (statement.exprs.size() > 1) {
    const auto time = checkTime(scope, statement.exprs[1], "a time");
    if (!time)
      return std::nullopt;
    action.duration_ns = *time;
  }
  auto values = checkSetKey({scope, {}}, statement.exprs[0], set, KeyUse::element);
  if (!values)
    return std::nullopt;
  HeaderSet needs;
  for (Value& value : *values) {
    needs.insert(value.needs.begin(), value.needs.end());
    std::ranges::copy_if(value.guards, std::back_inserter(guards), isMapKey); // bytes are read with their check
    action.key.push_back(std::move(value.expr));
  }
  setNeeds(action, needs);
  noteLengths(set, action.key);
  return action;
}

} // namespace

std::optional<ir::Action> checkAction(Scope& scope, const ast::Statement& statement, std::vector<ir::Expr>& guards) {
  std::optional<ir::Action> action;
  switch (statement.kind) {
  case ast::StatementKind::Count:
    action = checkCount(scope, statement);
    break;
  case ast::StatementKind::Emit:
    action = checkEmit(scope, statement);
    break;
  case ast::StatementKind::Add:
    action = checkElementAction(scope, statement, ir::ActionKind::Add, guards);
    break;
  case ast::StatementKind::Remove:
    action = checkElementAction(scope, statement, ir::ActionKind::Remove, guards);
    break;
  case ast::StatementKind::Redirect:
    break; // a verdict: block.cpp
  case ast::StatementKind::Assign:
    action = checkAssign(scope, statement, guards);
    break;
  case ast::StatementKind::Push:
    action = checkPush(scope, statement);
    break;
  case ast::StatementKind::Pop:
    action = checkPop(scope, statement);
    break;
  case ast::StatementKind::Apply: // block.cpp
  case ast::StatementKind::Verdict:
    break;
  }
  if (action)
    action->span = statement.span;
  return action;
}

} // namespace xdpc::sema
