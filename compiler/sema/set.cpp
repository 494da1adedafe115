// Checks dynamic sets: element type, bounds, initial contents. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/sema/list_file.h"
#include "compiler/sema/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

void checkClauses(Scope& scope, const ast::SetDecl& decl, ir::Set& set) {
  const ast::Clauses& clauses = decl.clauses;
  const auto refuse = [&](const std::optional<ast::Expr>& expr, const char* clause) {
    if (expr)
      refuseClause(scope, expr->span, clause, "a set");
  };
  refuse(clauses.rate, "rate");
  refuse(clauses.burst, "burst");
  if (!clauses.per.empty())
    refuseClause(scope, clauses.per.front().span, "per", "a set");
  if (clauses.clock_exact)
    refuseClause(scope, clauses.span, "clock exact", "a set");
  set.count = clauses.count;
  if (const auto capacity = checkCapacity(scope, clauses.capacity))
    set.capacity = static_cast<uint32_t>(*capacity);
  if (clauses.timeout)
    set.timeout_ns = checkTime(scope, *clauses.timeout, "a timeout").value_or(0);
  if (clauses.when_full)
    set.refuse_when_full = checkWhenFull(scope, *clauses.when_full, {"evict", "refuse"}).value_or(0) == 1;
}

} // namespace

bool checkElements(Scope& scope, const ast::Expr& literal, const ir::Set& set, std::vector<abi::KeyValue>& out) {
  if (set.key.parts.empty())
    return false;
  const RawSet raw = collectElements({scope, {}}, withoutGroup(literal));
  bool ok = raw.ok;
  const unsigned errors = scope.emitter.errorCount();
  for (const RawElement& element : raw.elements) {
    ok &= expandElement(scope, element, set.key, {}, out);
    if (scope.emitter.errorCount() - errors >= kMaxListErrors)
      break;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return ok;
}

void checkSetType(Scope& scope, const ast::SetDecl& decl, ir::SetId id) {
  scope.policy.sets[id].key = checkKeyType(scope, decl.key, decl.name).value_or(abi::KeyType{});
}

void checkSet(Scope& scope, const ast::SetDecl& decl, ir::SetId id) {
  ir::Set set = scope.policy.sets[id];
  set.was = decl.was ? decl.was->text : "";
  checkClauses(scope, decl, set);
  if (decl.initial)
    checkElements(scope, *decl.initial, set, set.initial);
  if (set.capacity > 0 && set.initial.size() > set.capacity)
    scope.emitter.report(
        diag::Id::out_of_range, decl.initial->span,
        fmt::format("`{}` has room for {} elements and begins with {}", set.name, set.capacity, set.initial.size()));
  scope.policy.sets[id] = std::move(set);
}

} // namespace xdpc::sema
