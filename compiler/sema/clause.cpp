// Clauses that several declarations have: capacity, times, `when full`. Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/expr.h"
#include "compiler/sema/state.h"

#include <fmt/format.h>

namespace xdpc::sema {

std::optional<uint64_t> checkCapacity(Scope& scope, const std::optional<ast::Expr>& expr) {
  if (!expr)
    return kDefaultCapacity;
  if (expr->kind == ast::ExprKind::Number && expr->dimension != ast::Dimension::none) {
    scope.emitter.report(diag::Id::wrong_unit, expr->span,
                         fmt::format("{} has a unit, a capacity is a number of elements", quoted(expr->span)));
    return std::nullopt;
  }
  const auto value = checkConstantNumber({scope, {}}, *expr, 1, kMaxCapacity, "a capacity");
  return value ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

std::optional<uint64_t> checkTime(Scope& scope, const ast::Expr& expr, std::string_view what) {
  constexpr uint64_t longest = 10ull * 366 * 86400 * 1'000'000'000; // ten years
  const ast::Expr& inner = namedQuantity(scope, expr);
  if (inner.kind != ast::ExprKind::Number) {
    scope.emitter.report(diag::Id::wrong_unit, inner.span,
                         fmt::format("{} is no time, such as `10m`", quoted(inner.span)));
    return std::nullopt;
  }
  if (inner.dimension == ast::Dimension::none) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::missing_unit, inner.span,
                                                   fmt::format("{} has no unit of time", quoted(inner.span)));
    error.help = fmt::format("write `{}s` or another of `ns us ms s m h d`", inner.span.text());
    return std::nullopt;
  }
  if (inner.dimension != ast::Dimension::time) {
    scope.emitter.report(diag::Id::wrong_unit, inner.span, fmt::format("{} is no time", quoted(inner.span)));
    return std::nullopt;
  }
  if (inner.number == 0 || inner.number > longest) {
    scope.emitter.report(diag::Id::out_of_range, inner.span,
                         fmt::format("{} is out of range: {} goes from 1ns to ten years", quoted(inner.span), what));
    return std::nullopt;
  }
  return inner.number;
}

void refuseClause(Scope& scope, Span span, std::string_view clause, std::string_view kind) {
  scope.emitter.report(diag::Id::bad_clause, span, fmt::format("`{}` does not belong to {}", clause, kind));
}

std::optional<size_t> checkWhenFull(Scope& scope, const ast::Name& word, const std::vector<std::string>& words) {
  std::string all;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word.text)
      return i;
    all += (i ? ", `" : "`") + words[i] + "`";
  }
  diag::Diagnostic& error = scope.emitter.report(diag::Id::bad_clause, word.span,
                                                 fmt::format("`when full {}` is not possible here", word.text));
  error.help = "there are " + all;
  return std::nullopt;
}

} // namespace xdpc::sema
