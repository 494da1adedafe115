// Checks what is said of a payload's bytes: indices, slices, `starts with` and `contains`. A slice of up to eight bytes
// becomes a number where it is compared, so that nothing behind the checker treats it apart. Tested by
// tests/unit/sema/payload_test.cpp and tests/packet/payload.
#include "compiler/sema/payload.h"
#include "compiler/sema/const_set.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr size_t kMaxPatterns = 4096; // of one `contains`

bool isPayload(const Value& value) {
  return value.expr.kind == ir::ExprKind::Payload;
}

ir::Expr hasBytes(const ir::Expr& payload, uint64_t count) {
  ir::Expr expr;
  expr.kind = ir::ExprKind::HasBytes;
  expr.type = {ir::TypeKind::Bool};
  expr.header = payload.header;
  expr.number = count;
  expr.span = payload.span;
  return expr;
}

// The payload's bytes from `begin` on; absent where not all of them are there.
Value slice(Value payload, uint64_t begin, uint64_t bytes, ir::Type type, Span span) {
  addGuard(payload, hasBytes(payload.expr, begin + bytes));
  payload.expr.kind = ir::ExprKind::Slice;
  payload.expr.number = begin;
  payload.expr.type = std::move(type);
  payload.expr.span = span;
  return payload;
}

ir::Type bytesType(uint64_t bytes) {
  return {ir::TypeKind::Bytes, static_cast<uint16_t>(8 * bytes)};
}

Value notAPayload(Env env, const ast::Expr& expr, const Value& value, const char* what) {
  diag::Diagnostic& error = env.scope.emitter.report(diag::Id::type_mismatch, withoutGroup(expr).span,
                                                     fmt::format("{}; {}", describe(expr, value), what));
  error.help = "the bytes behind a header are its payload: `payload`, `udp.payload`";
  return failed();
}

std::optional<Value> checkPayload(Env env, const ast::Expr& expr, const char* what) {
  Value value = checkExpr(env, expr);
  if (value.ok && !isPayload(value))
    value = notAPayload(env, expr, value, what);
  return value.ok ? std::optional(std::move(value)) : std::nullopt;
}

// The bytes that `starts with` and `contains` look for.
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
  if (value.expr.bytes.empty()) {
    env.scope.emitter.report(diag::Id::out_of_range, withoutGroup(expr).span, "no bytes are in every payload");
    return std::nullopt;
  }
  return value.expr.bytes;
}

std::optional<uint32_t> checkLimit(Env env, const ast::Expr& expr) {
  if (expr.args.size() < 3) {
    diag::Diagnostic& error = env.scope.emitter.report(diag::Id::missing_within, expr.op_span,
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
    error.fixits.push_back({expr.op_span, "contains any"});
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

ir::Expr comparison(ir::Op op, ir::Expr left, ir::Expr right, Span span) {
  ir::Expr expr;
  expr.kind = ir::ExprKind::Compare;
  expr.op = op;
  expr.type = {ir::TypeKind::Bool};
  expr.span = span;
  expr.args.push_back(std::move(left));
  expr.args.push_back(std::move(right));
  return expr;
}

} // namespace

void addGuard(Value& value, ir::Expr guard) {
  for (ir::Expr& other : value.guards)
    if (other.kind == ir::ExprKind::HasBytes && guard.kind == other.kind && guard.header == other.header) {
      other.number = std::max(other.number, guard.number);
      return;
    }
  value.guards.push_back(std::move(guard));
}

Value payloadOf(Env env, ir::HeaderId header, Span span) {
  if (env.own) {
    env.scope.emitter.report(diag::Id::bad_header, span, "a header's declaration reads fields, no payload");
    return failed();
  }
  Value value;
  value.expr.kind = ir::ExprKind::Payload;
  value.expr.type = {ir::TypeKind::Bytes};
  value.expr.header = header;
  value.expr.span = span;
  value.needs = {header};
  return value;
}

Value checkBytes(Env env, const ast::Expr& expr) {
  if (expr.text.size() > ir::kMaxPayloadBytes) {
    env.scope.emitter.report(
        diag::Id::too_large, expr.span,
        fmt::format("these are {} bytes, the bound is {}", expr.text.size(), ir::kMaxPayloadBytes));
    return failed();
  }
  Value value;
  value.constant = true;
  value.expr.kind = ir::ExprKind::Bytes;
  value.expr.type = bytesType(expr.text.size());
  value.expr.bytes = expr.text;
  value.expr.span = expr.span;
  return value;
}

Value checkIndex(Env env, const ast::Expr& expr) {
  auto payload = checkPayload(env, expr.args[0], "only a payload has bytes to index");
  const auto at = checkConstantNumber(env, expr.args[1], 0, ir::kMaxPayloadBytes - 1, "an index into a payload");
  if (!payload || !at)
    return failed();
  Value value = slice(std::move(*payload), static_cast<uint64_t>(*at), 1, {ir::TypeKind::Int, 8}, expr.span);
  value.high = 0xff;
  return value;
}

Value checkSlice(Env env, const ast::Expr& expr) {
  auto payload = checkPayload(env, expr.args[0], "only a payload has slices");
  const auto begin = checkConstantNumber(env, expr.args[1], 0, ir::kMaxPayloadBytes, "an index into a payload");
  const auto end = checkConstantNumber(env, expr.args[2], 0, ir::kMaxPayloadBytes, "the end of a slice");
  if (!payload || !begin || !end)
    return failed();
  if (*begin < *end)
    return slice(std::move(*payload), static_cast<uint64_t>(*begin), static_cast<uint64_t>(*end - *begin),
                 bytesType(static_cast<uint64_t>(*end - *begin)), expr.span);
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::empty_range, expr.span, fmt::format("{} has no bytes", quoted(expr.span)));
  error.label = "the end is not part of a slice";
  return failed();
}

Value checkStartsWith(Env env, const ast::Expr& expr) {
  auto payload = checkPayload(env, expr.args[0], "only a payload starts with bytes");
  const auto pattern = checkPattern(env, expr.args[1]);
  if (!payload || !pattern)
    return failed();
  Value left = slice(std::move(*payload), 0, pattern->size(), bytesType(pattern->size()), expr.span);
  Value right;
  right.constant = true;
  right.expr.kind = ir::ExprKind::Bytes;
  right.expr.type = left.expr.type;
  right.expr.bytes = *pattern;
  right.expr.span = expr.args[1].span;
  bytesToNumber(left);
  bytesToNumber(right);
  ir::Expr equal = comparison(ir::Op::Eq, std::move(left.expr), std::move(right.expr), expr.span);
  return atom(env, std::move(left), std::move(equal));
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

void bytesToNumber(Value& value) {
  const unsigned bits = value.expr.type.bits;
  if (category(value.expr.type) != Category::bytes || bits == 0 || bits > 64)
    return;
  value.low = 0;
  value.high = (Wide{1} << bits) - 1;
  value.expr.type = {ir::TypeKind::Int, static_cast<uint16_t>(bits)};
  if (value.expr.kind != ir::ExprKind::Bytes)
    return;
  value.expr.kind = ir::ExprKind::Int;
  value.expr.number = bytesNumber(value.expr.bytes);
  value.low = value.high = value.expr.number;
  value.expr.bytes.clear();
}

uint64_t bytesNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes)
    number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

bool agreeBytes(Env env, const ast::Expr& expr, Value& left, Value& right) {
  const Span at{expr.span.file, withoutGroup(expr.args[0]).span.begin, withoutGroup(expr.args[1]).span.end};
  if (isPayload(left) || isPayload(right)) {
    const Value& other = isPayload(left) ? right : left;
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::type_mismatch, at, "a payload does not compare as a whole");
    const std::string text(withoutGroup(expr.args[isPayload(left) ? 0 : 1]).span.text());
    error.help = other.expr.kind == ir::ExprKind::Bytes
                     ? fmt::format("write `{} starts with …`, or compare a slice: `{}[0:{}]`", text, text,
                                   other.expr.type.bits / 8)
                     : fmt::format("compare a slice: `{}[0:4]`", text);
    return false;
  }
  if (left.expr.type.bits != right.expr.type.bits) {
    env.scope.emitter.report(diag::Id::type_mismatch, at,
                             fmt::format("{} has {} bytes, {} has {}: they do not compare",
                                         quoted(withoutGroup(expr.args[0]).span), left.expr.type.bits / 8,
                                         quoted(withoutGroup(expr.args[1]).span), right.expr.type.bits / 8));
    return false;
  }
  bytesToNumber(left);
  bytesToNumber(right);
  return true;
}

Value numberOfBytes(Env env, const ast::Expr& expr, Value inner, unsigned bits) {
  const unsigned given = inner.expr.type.bits;
  if (given == 0 || given > bits) {
    diag::Diagnostic& error = env.scope.emitter.report(
        diag::Id::out_of_range, expr.span,
        given == 0 ? fmt::format("{} has any number of bytes", quoted(withoutGroup(expr.args[0]).span))
                   : fmt::format("{} has {} bytes, `{}` has {}", quoted(withoutGroup(expr.args[0]).span), given / 8,
                                 expr.text, bits / 8));
    if (given == 0)
      error.help = fmt::format("take some of them: `{}(payload[0:{}])`", expr.text, bits / 8);
    return failed();
  }
  bytesToNumber(inner);
  inner.expr.span = expr.span;
  return inner.constant ? number(inner.low, expr.span) : widened(std::move(inner), bits);
}

Value inBytes(Env env, const ast::Expr& expr, Value operand, const RawSet& raw) {
  constexpr size_t max_elements = 256; // compared in turn
  if (!raw.ok)
    return failed();
  if (raw.elements.size() > max_elements) {
    env.scope.emitter.report(
        diag::Id::too_large, expr.args[1].span,
        fmt::format("slices of more than 8 bytes are compared with at most {} others", max_elements));
    return failed();
  }
  ir::Expr any;
  any.kind = ir::ExprKind::Or;
  any.type = {ir::TypeKind::Bool};
  any.span = expr.span;
  for (const RawElement& element : raw.elements) {
    if (element.size() != 1 || element[0].category != Category::bytes ||
        element[0].bytes.size() * 8 != operand.expr.type.bits) {
      env.scope.emitter.report(diag::Id::type_mismatch, element.front().span,
                               fmt::format("{} is not {} bytes, as {} is", quoted(element.front().span),
                                           operand.expr.type.bits / 8, quoted(withoutGroup(expr.args[0]).span)));
      return failed();
    }
    ir::Expr bytes;
    bytes.kind = ir::ExprKind::Bytes;
    bytes.type = operand.expr.type;
    bytes.bytes = element[0].bytes;
    bytes.span = element[0].span;
    any.args.push_back(comparison(ir::Op::Eq, operand.expr, std::move(bytes), expr.span));
  }
  operand.nodes += static_cast<uint32_t>(3 * any.args.size());
  operand.depth += 2;
  return membership(env, expr, std::move(operand), std::move(any));
}

} // namespace xdpc::sema
