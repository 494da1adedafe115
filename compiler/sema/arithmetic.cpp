// Checks arithmetic: constants are folded, results have bounds, everything else becomes 64 bits wide. Tested by
// tests/unit/sema/expr_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"
#include "compiler/sema/payload.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <limits>
#include <optional>

namespace xdpc::sema {

namespace {

constexpr Wide kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

bool fits(Wide value) {
  return value >= kMin && value <= kMax;
}

bool isBitwise(ast::Op op) {
  return op == ast::Op::BitAnd || op == ast::Op::BitOr || op == ast::Op::BitXor;
}

// An operand: what only has its bits looked at may need all 64 of them for what is not negative.
bool fitsIn(ast::Op op, Wide value) {
  const bool bits = isBitwise(op) || op == ast::Op::Shr;
  return fits(value) || (bits && value >= 0 && value <= Wide{std::numeric_limits<uint64_t>::max()});
}

// Two's complement of 64 bits, as the program computes.
Wide bitwise(ast::Op op, Wide a, Wide b) {
  if (a >= 0 && b >= 0)
    return op == ast::Op::BitAnd ? a & b : op == ast::Op::BitXor ? a ^ b : a | b;
  const auto left = static_cast<int64_t>(a), right = static_cast<int64_t>(b);
  switch (op) {
  case ast::Op::BitAnd:
    return left & right;
  case ast::Op::BitXor:
    return left ^ right;
  default:
    return left | right;
  }
}

// Shifts by less than 64; operands within 64 bits signed.
Wide apply(ast::Op op, Wide a, Wide b) {
  switch (op) {
  case ast::Op::Mul:
    return a * b;
  case ast::Op::Add:
    return a + b;
  case ast::Op::Sub:
    return a - b;
  case ast::Op::Shl:
    return a * (Wide{1} << static_cast<int>(b));
  case ast::Op::Shr:
    return a >> static_cast<int>(b);
  default:
    return bitwise(op, a, b);
  }
}

// Bounds from the corners; bit operations on what is not negative stay below the next power of two.
void setBounds(Value& result, ast::Op op, const Value& a, const Value& b) {
  if (isBitwise(op)) {
    result.low = kMin;
    result.high = kMax;
    if (a.low < 0 || b.low < 0)
      return;
    const Wide high = op == ast::Op::BitAnd ? std::min(a.high, b.high) : std::max(a.high, b.high);
    result.low = 0;
    result.high = op == ast::Op::BitAnd ? high : (Wide{1} << std::bit_width(static_cast<uint64_t>(high))) - 1;
    return;
  }
  const Wide corners[] = {apply(op, a.low, b.low), apply(op, a.low, b.high), apply(op, a.high, b.low),
                          apply(op, a.high, b.high)};
  result.low = *std::ranges::min_element(corners);
  result.high = *std::ranges::max_element(corners);
  if (!fits(result.low) || !fits(result.high)) {
    result.low = kMin;
    result.high = kMax;
  }
}

// `10.0.0.1 - 10.0.0.9`
bool subtractsAddresses(Env env, const ast::Expr& expr) {
  using enum ast::ExprKind;
  if (expr.op != ast::Op::Sub || expr.args[0].kind != Address || expr.args[1].kind != Address)
    return false;
  suggestRange(
      env.scope.emitter.report(diag::Id::type_mismatch, expr.span, "an address is not subtracted from another"), expr);
  return true;
}

bool isNumber(Env env, const ast::Expr& expr, const Value& value) {
  if (category(value.expr.type) == Category::number)
    return true;
  env.scope.emitter.report(diag::Id::type_mismatch, withoutGroup(expr).span,
                           fmt::format("{}; arithmetic is for numbers", describe(expr, value)));
  return false;
}

Value overflow(Env env, Span span) {
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::overflow, span, fmt::format("{} overflows", quoted(span)));
  error.label = "arithmetic is signed and 64 bits wide";
  return failed();
}

// Both ends of the shift have to be known to be below 64.
bool checkShift(Env env, const ast::Expr& expr, const Value& amount) {
  if (expr.op != ast::Op::Shl && expr.op != ast::Op::Shr)
    return true;
  if (amount.low >= 0 && amount.high < 64)
    return true;
  env.scope.emitter.report(diag::Id::out_of_range, expr.args[1].span,
                           fmt::format("{} can be outside of 0 to 63 bits", quoted(expr.args[1].span)));
  return false;
}

ir::Op arithOp(ast::Op op) {
  return static_cast<ir::Op>(static_cast<unsigned>(op)); // the same order up to BitOr
}
static_assert(static_cast<unsigned>(ast::Op::BitOr) == static_cast<unsigned>(ir::Op::BitOr));

// Text of a call's name and the width that it gives: u8 u16 u24 … u64.
std::optional<unsigned> conversionBits(std::string_view name) {
  const auto type = typeByName(name);
  const bool whole = type && type->kind == ir::TypeKind::Int && !type->port && type->bits % 8 == 0;
  return whole ? std::optional<unsigned>(type->bits) : std::nullopt;
}

Value numberOfAddress(Env env, const ast::Expr& expr, Value inner, unsigned bits) {
  if (inner.expr.type.kind != ir::TypeKind::Ipv4 || bits < 32) {
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                                 fmt::format("{} and has no number of {} bits", describe(expr.args[0], inner), bits));
    error.help = "`u32(ipv4.dst)` makes a number of an IPv4 address";
    return failed();
  }
  if (inner.constant) {
    const auto& bytes = inner.expr.address->bytes;
    return number(Wide{uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3]},
                  expr.span);
  }
  inner.low = 0;
  inner.high = 0xffffffff;
  inner.masked = false;
  return widened(std::move(inner), bits);
}

// `last(next_header)` in a header's declaration: the protocol behind its chain of extension headers.
Value checkLast(Env env, const ast::Expr& expr) {
  const ir::Header& header = env.scope.policy.headers[*env.own];
  const ast::Expr* arg = expr.args.size() == 1 ? &expr.args[0] : nullptr;
  const auto field = arg && arg->kind == ast::ExprKind::Name ? findField(header, arg->text) : std::nullopt;
  if (!field || header.fields[*field].type.kind != ir::TypeKind::Int) {
    env.scope.emitter.report(diag::Id::bad_header, expr.span, "`last` takes the field that selects the next header");
    return failed();
  }
  Value value;
  value.expr.kind = ir::ExprKind::LastProtocol;
  value.expr.type = header.fields[*field].type;
  value.expr.header = *env.own;
  value.expr.span = expr.span;
  value.high = env.scope.headers[*env.own].field_high[*field];
  return value;
}

// `extern` may have lost it to an error of syntax.
Value unknownFunction(Env env, const ast::Expr& expr) {
  if (env.scope.lost.contains(expr.text))
    return failed();
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::unknown_name, expr.span, fmt::format("there is no function `{}`", expr.text));
  std::vector<std::string> names;
  for (const ir::Extern& one : env.scope.policy.externs)
    names.push_back(one.name);
  if (const auto near = diag::nearest(expr.text, names)) {
    error.help = fmt::format("did you mean `{}`", *near);
    const auto end = expr.span.begin + static_cast<uint32_t>(expr.text.size());
    error.fixits.push_back({{expr.span.file, expr.span.begin, end}, *near});
    return failed();
  }
  error.help = "there are `u8`, `u16`, `u32` and `u64`, and what `extern` declares";
  return failed();
}

} // namespace

Value widened(Value value, unsigned bits) {
  if (value.expr.type.kind == ir::TypeKind::Int && value.expr.type.bits == bits && !value.expr.type.port)
    return value;
  if (value.expr.kind == ir::ExprKind::Int) {
    value.expr.type = {ir::TypeKind::Int, static_cast<uint16_t>(bits)};
    return value;
  }
  ir::Expr expr;
  expr.kind = ir::ExprKind::Number;
  expr.type = {ir::TypeKind::Int, static_cast<uint16_t>(bits)};
  expr.span = value.expr.span;
  expr.args.push_back(std::move(value.expr));
  value.expr = std::move(expr);
  ++value.nodes;
  ++value.depth;
  return value;
}

Value withNumber(Value value, ir::Op op, uint64_t bits) {
  Value other = widened(number(Wide{bits}, value.expr.span), 64);
  ir::Expr both{.kind = ir::ExprKind::Arith, .op = op, .type = {ir::TypeKind::Int, 64}};
  both.span = value.expr.span;
  both.args.push_back(std::move(value.expr));
  both.args.push_back(std::move(other.expr));
  value.expr = std::move(both);
  value.nodes += 2;
  ++value.depth;
  return value;
}

Value checkArithmetic(Env env, const ast::Expr& expr) {
  if (subtractsAddresses(env, expr))
    return failed();
  Value left = checkExpr(env, expr.args[0]), right = checkExpr(env, expr.args[1]);
  if (!left.ok || !right.ok || !isNumber(env, expr.args[0], left) || !isNumber(env, expr.args[1], right) ||
      !checkShift(env, expr, right))
    return failed();
  if (left.constant && right.constant) {
    const bool small = fitsIn(expr.op, left.low) && fitsIn(expr.op, right.low);
    const Wide folded = small ? apply(expr.op, left.low, right.low) : 0;
    return small && fitsIn(expr.op, folded) ? number(folded, expr.span) : overflow(env, expr.span);
  }
  if ((left.constant && !fitsIn(expr.op, left.low)) || (right.constant && !fitsIn(expr.op, right.low)))
    return overflow(env, expr.span);
  Value result;
  setBounds(result, expr.op, left, right);
  // A shift to the right fills up with the highest bit, which of these is none of a sign.
  const bool fills = expr.op == ast::Op::Shr && left.low >= 0 && left.high > kMax;
  const std::optional<Wide> amount = right.constant ? std::optional(right.low) : std::nullopt;
  if (fills && !amount) {
    result.low = kMin;
    result.high = kMax;
  }
  left = widened(std::move(left), 64);
  right = widened(std::move(right), 64);
  addParts(result, left);
  addParts(result, right);
  result.expr.kind = ir::ExprKind::Arith;
  result.expr.op = arithOp(expr.op);
  result.expr.type = {ir::TypeKind::Int, 64};
  result.expr.span = expr.span;
  result.expr.args.push_back(std::move(left.expr));
  result.expr.args.push_back(std::move(right.expr));
  const auto bits = static_cast<uint64_t>(result.high);
  if (fills && amount.value_or(0) > 0)
    return withNumber(std::move(result), ir::Op::BitAnd, bits);
  return result;
}

Value checkNegate(Env env, const ast::Expr& expr) {
  Value inner = checkExpr(env, expr.args[0]);
  if (!inner.ok || !isNumber(env, expr.args[0], inner))
    return failed();
  if (inner.constant)
    return fits(-inner.low) ? number(-inner.low, expr.span) : overflow(env, expr.span);
  Value result;
  setBounds(result, ast::Op::Sub, number(0, expr.span), inner);
  inner = widened(std::move(inner), 64);
  addParts(result, inner);
  result.expr.kind = ir::ExprKind::Arith;
  result.expr.op = ir::Op::Sub;
  result.expr.type = {ir::TypeKind::Int, 64};
  result.expr.span = expr.span;
  result.expr.args.push_back(number(0, expr.span).expr);
  result.expr.args.push_back(std::move(inner.expr));
  return result;
}

Value checkCall(Env env, const ast::Expr& expr) {
  if (env.own && expr.text == "last")
    return checkLast(env, expr);
  if (const Symbol* symbol = lookUp(env.scope, expr.text); symbol && symbol->kind == SymbolKind::Extern)
    return checkExternCall(env, expr, symbol->index);
  const auto bits = conversionBits(expr.text);
  if (!bits)
    return unknownFunction(env, expr);
  if (expr.args.size() != 1) {
    env.scope.emitter.report(diag::Id::type_mismatch, expr.span, fmt::format("`{}` takes one value", expr.text));
    return failed();
  }
  Value inner = checkExpr(env, expr.args[0]);
  if (!inner.ok)
    return inner;
  if (category(inner.expr.type) == Category::address)
    return numberOfAddress(env, expr, std::move(inner), *bits);
  if (category(inner.expr.type) == Category::bytes)
    return numberOfBytes(env, expr, std::move(inner), *bits);
  if (!isNumber(env, expr.args[0], inner))
    return failed();
  if (inner.low < 0 || inner.high > (Wide{1} << *bits) - 1) {
    env.scope.emitter.report(diag::Id::out_of_range, expr.span,
                             fmt::format("{} can be too large for `{}`", quoted(expr.args[0].span), expr.text));
    return failed();
  }
  return inner.constant ? std::move(inner) : widened(std::move(inner), *bits);
}

} // namespace xdpc::sema
