// Checks searches of payloads: `payload contains "x" within 128`, `contains any { … }`. Tested by
// tests/unit/sema/payload_test.cpp and tests/packet/payload/contains.xf.
#include "compiler/sema/const_set.h"
#include "compiler/sema/payload.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr size_t kMaxPatterns = 4096; // of one `contains`

std::optional<uint32_t> checkLimit(Env env, const ast::Expr& expr) {
  if (expr.args.size() < 3) {
    diag::Diagnostic& error = env.scope.emitter.report(diag::Id::missing_within, expr.opSpan(),
                                                       "`contains` does not say how far into the payload it looks");
    error.help =
        fmt::format("write `{} within 128`, of at most {} bytes", expr.span.text().substr(0, 60), ir::kMaxPayloadBytes);
    error.fixits.push_back({{expr.span.file, expr.span.end, expr.span.end}, " within 128"});
    return std::nullopt;
  }
  const auto limit = checkConstantNumber(env, expr.args[2], 1, ir::kMaxPayloadBytes, "`within`");
  return limit ? std::optional(static_cast<uint32_t>(*limit)) : std::nullopt;
}

// `{ "a", "b" }`, or a constant that is such a set.
std::optional<std::vector<std::string>> checkPatternSet(Env env, const ast::Expr& expr) {
  const RawSet raw = collectElements(env, withoutGroup(expr));
  std::vector<std::string> patterns;
  bool ok = raw.ok;
  for (const RawElement& element : raw.elements) {
    if (element.size() == 1 && element[0].category == Category::bytes && !element[0].bytes.empty()) {
      patterns.push_back(element[0].bytes);
      continue;
    }
    if (ok)
      env.scope.emitter.report(diag::Id::type_mismatch, element.front().span,
                               fmt::format("{} is {}; what is looked for is bytes", quoted(element.front().span),
                                           element.size() > 1 ? "a tuple"
                                           : element[0].bytes.empty() && element[0].category == Category::bytes
                                               ? "empty"
                                               : categoryName(element[0].category)));
    ok = false;
  }
  if (ok && patterns.empty())
    env.scope.emitter.report(diag::Id::bad_element, expr.span, "there is nothing to look for");
  return ok && !patterns.empty() ? std::optional(std::move(patterns)) : std::nullopt;
}

bool isSetLike(const Scope& scope, const ast::Expr& expr) {
  if (expr.kind == ast::ExprKind::Set)
    return true;
  const Symbol* symbol = expr.kind == ast::ExprKind::Name ? lookUp(scope, expr.text) : nullptr;
  return symbol && symbol->kind == SymbolKind::Constant && scope.constants[symbol->index].is_set;
}

std::optional<std::vector<std::string>> checkPatterns(Env env, const ast::Expr& expr) {
  const ast::Expr& what = withoutGroup(expr.args[1]);
  if (what.kind == ast::ExprKind::Name)
    if (const Symbol* symbol = lookUp(env.scope, what.text); symbol && symbol->kind == SymbolKind::Constant)
      prepareConstant(env.scope, symbol->index);
  if (isSetLike(env.scope, what)) {
    if (expr.flag)
      return checkPatternSet(env, what);
    diag::Diagnostic& error = env.scope.emitter.report(diag::Id::not_a_value, what.span,
                                                       fmt::format("{} is a set of patterns", quoted(what.span)));
    error.help = "write `contains any`";
    error.fixits.push_back({expr.opSpan(), "contains any"});
    return std::nullopt;
  }
  auto pattern = checkPattern(env, what);
  return pattern ? std::optional(std::vector{std::move(*pattern)}) : std::nullopt;
}

bool fitLimit(Env env, const ast::Expr& expr, const std::vector<std::string>& patterns, uint32_t within) {
  for (const std::string& pattern : patterns)
    if (pattern.size() > within) {
      env.scope.emitter.report(
          diag::Id::out_of_range, withoutGroup(expr.args[1]).span,
          fmt::format("a pattern of {} bytes does not lie in the first {}", pattern.size(), within));
      return false;
    }
  if (patterns.size() <= kMaxPatterns)
    return true;
  env.scope.emitter.report(diag::Id::too_large, withoutGroup(expr.args[1]).span,
                           fmt::format("there are {} patterns, the bound is {}", patterns.size(), kMaxPatterns));
  return false;
}

ir::PatternSetId addPatterns(Scope& scope, ir::PatternSet set) {
  std::ranges::sort(set.patterns);
  set.patterns.erase(std::ranges::unique(set.patterns).begin(), set.patterns.end());
  auto& sets = scope.policy.patterns;
  const auto same = std::ranges::find(sets, set);
  const auto id = static_cast<ir::PatternSetId>(same - sets.begin());
  if (same == sets.end())
    sets.push_back(std::move(set));
  return id;
}

} // namespace

std::optional<std::string> checkPattern(Env env, const ast::Expr& expr) {
  const Value value = checkExpr(env, expr);
  if (!value.ok)
    return std::nullopt;
  if (!value.constant || category(value.expr.type) != Category::bytes) {
    env.scope.emitter
        .report(diag::Id::type_mismatch, withoutGroup(expr).span,
                fmt::format("{}; what is looked for is bytes", describe(expr, value)))
        .help = "write `\"GET \"` or `x\"16 03\"`";
    return std::nullopt;
  }
  if (value.expr.bytes->empty()) {
    env.scope.emitter.report(diag::Id::out_of_range, withoutGroup(expr).span, "every payload has an empty text in it");
    return std::nullopt;
  }
  return *value.expr.bytes;
}

Value checkContains(Env env, const ast::Expr& expr) {
  auto payload = checkPayload(env, expr.args[0], "only a payload contains bytes");
  auto patterns = checkPatterns(env, expr);
  const auto within = checkLimit(env, expr);
  if (!payload || !patterns || !within || !fitLimit(env, expr, *patterns, *within))
    return failed();
  ir::Expr contains;
  contains.kind = ir::ExprKind::Contains;
  contains.type = {ir::TypeKind::Bool};
  contains.header = payload->expr.header;
  contains.id = addPatterns(env.scope, {std::move(*patterns), *within, expr.span});
  contains.span = expr.span;
  return atom(env, std::move(*payload), std::move(contains));
}

} // namespace xdpc::sema
