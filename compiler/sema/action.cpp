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

using Lengths = std::vector<abi::PrefixLength>;

// Of the prefixes that a part can name.
Lengths lengthsOf(const ir::Expr& part) {
  const bool masked = part.kind == ir::ExprKind::Mask;
  Lengths lengths;
  if (part.type.kind != ir::TypeKind::Ipv6)
    lengths.push_back({abi::Family::v4, static_cast<uint8_t>(masked ? part.v4_bits : 32)});
  if (part.type.kind != ir::TypeKind::Ipv4)
    lengths.push_back({abi::Family::v6, static_cast<uint8_t>(masked ? part.v6_bits : 128)});
  return lengths;
}

bool isKnown(const Lengths& all, const Lengths& one) {
  for (size_t at = 0; at + one.size() <= all.size(); at += one.size())
    if (std::equal(one.begin(), one.end(), all.begin() + static_cast<ptrdiff_t>(at)))
      return true;
  return false;
}

// Lengths of the prefixes that this statement can name: each combination of those of its parts.
void noteLengths(ir::Set& set, const std::vector<ir::Expr>& key) {
  std::vector<Lengths> made(1);
  for (size_t part = 0; part < key.size(); ++part) {
    if (!abi::isPrefix(set.key.parts[part]))
      continue;
    std::vector<Lengths> longer;
    for (const Lengths& begun : made)
      for (const abi::PrefixLength& length : lengthsOf(key[part])) {
        longer.push_back(begun);
        longer.back().push_back(length);
      }
    made = std::move(longer);
  }
  for (const Lengths& one : made)
    if (!one.empty() && !isKnown(set.added_lengths, one))
      set.added_lengths.insert(set.added_lengths.end(), one.begin(), one.end());
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
    needs.insert(value.needs);
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
