// Checks counters, plain and keyed. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/state.h"

#include <fmt/format.h>

namespace xdpc::sema {

void checkCounter(Scope& scope, const ast::CounterDecl& decl, ir::CounterId id) {
  const ast::Clauses& clauses = decl.clauses;
  ir::Counter& counter = scope.policy.counters[id];
  counter.was = decl.was ? decl.was->text : "";
  const auto refuse = [&](const std::optional<ast::Expr>& expr, const char* clause) {
    if (expr)
      refuseClause(scope, expr->span, clause, "a counter");
  };
  refuse(clauses.rate, "rate");
  refuse(clauses.burst, "burst");
  refuse(clauses.timeout, "timeout");
  if (clauses.when_full)
    refuseClause(scope, clauses.when_full->span, "when full", "a counter, whose further keys go to `other`");
  if (clauses.clock_exact)
    refuseClause(scope, clauses.span, "clock exact", "a counter");
  if (clauses.count)
    refuseClause(scope, clauses.span, "count", "a counter");
  if (clauses.per.empty()) {
    refuse(clauses.capacity, "capacity");
    return;
  }
  if (auto key = checkKey({scope, {}}, clauses.per)) {
    counter.key = std::move(key->parts);
    counter.key_type = std::move(key->type);
  }
  if (const auto capacity = checkCapacity(scope, clauses.capacity))
    counter.capacity = static_cast<uint32_t>(*capacity);
}

} // namespace xdpc::sema
