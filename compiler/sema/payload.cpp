// Checks what is said of a payload's bytes: indices, slices and `starts with`; contains.cpp has searches. A slice of up
// to eight bytes becomes a number where it is compared, so that nothing behind the checker treats it apart. Tested by
// tests/unit/sema/payload_test.cpp and tests/packet/payload.
#include "compiler/sema/payload.h"
#include "compiler/sema/const_set.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

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
  payload.expr.type = type;
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

std::optional<Value> checkPayload(Env env, const ast::Expr& expr, const char* what) {
  Value value = checkExpr(env, expr);
  if (value.ok && !isPayload(value))
    value = notAPayload(env, expr, value, what);
  return value.ok ? std::optional(std::move(value)) : std::nullopt;
}

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
  if (expr.bytes->size() > ir::kMaxPayloadBytes) {
    env.scope.emitter.report(
        diag::Id::too_large, expr.span,
        fmt::format("these are {} bytes, the bound is {}", expr.bytes->size(), ir::kMaxPayloadBytes));
    return failed();
  }
  Value value;
  value.constant = true;
  value.expr.kind = ir::ExprKind::Bytes;
  value.expr.type = bytesType(expr.bytes->size());
  value.expr.bytes = *expr.bytes;
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
  value.expr.number = bytesNumber(*value.expr.bytes);
  value.low = value.high = value.expr.number;
  value.expr.bytes = {};
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
