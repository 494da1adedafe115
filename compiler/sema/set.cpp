// Checks dynamic sets: element type, bounds, initial contents. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/sema/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

std::optional<abi::KeyType> elementType(Scope& scope, const ast::SetDecl& decl) {
  static const std::vector<std::string> names = {"ip",  "ipv4", "ipv6", "ip.prefix", "ipv4.prefix", "ipv6.prefix",
                                                 "mac", "port", "u8",   "u16",       "u32",         "u64"};
  abi::KeyType type;
  unsigned prefixes = 0;
  for (const ast::Name& name : decl.key) {
    const auto kind = std::ranges::count(names, name.text) ? abi::keyKindByName(name.text) : std::nullopt;
    if (!kind) {
      diag::Diagnostic& error = scope.emitter.report(diag::Id::unknown_name, name.span,
                                                     fmt::format("there is no element type `{}`", name.text));
      const auto near = diag::nearest(name.text, names);
      error.help =
          near ? fmt::format("did you mean `{}`", *near)
               : "there are `ip`, `ipv4`, `ipv6`, each with `.prefix`, `mac`, `port`, `u8`, `u16`, `u32`, `u64`";
      return std::nullopt;
    }
    prefixes += abi::isPrefix(*kind);
    type.parts.push_back(*kind);
  }
  if (prefixes > 1) {
    scope.emitter.report(diag::Id::bad_element, decl.span,
                         fmt::format("`{}` has {} prefixes in a tuple, one is possible", decl.name.text, prefixes));
    return std::nullopt;
  }
  return type;
}

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
  if (clauses.count)
    notImplemented(scope, clauses.span, "count");
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
  const ast::Expr& inner = withoutGroup(literal);
  if (inner.kind == ast::ExprKind::Load) {
    notImplemented(scope, inner.span, "load");
    return false;
  }
  if (inner.kind != ast::ExprKind::Set)
    return checkElement({scope, {}}, inner, set.key, {}, out);
  bool ok = true;
  for (const ast::Expr& element : inner.args)
    ok &= checkElement({scope, {}}, element, set.key, {}, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return ok;
}

void checkSet(Scope& scope, const ast::SetDecl& decl, ir::SetId id) {
  ir::Set set = scope.policy.sets[id];
  if (decl.was)
    notImplemented(scope, decl.was->span, "was");
  if (const auto type = elementType(scope, decl))
    set.key = *type;
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
