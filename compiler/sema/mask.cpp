// Checks masks: `ip.src/24/64`, `ipv4.src/16`. Tested by tests/unit/sema/expr_test.cpp.
#include "compiler/ir/intervals.h"
#include "compiler/sema/expr.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

Value bad(Env env, Span span, std::string message, std::string help) {
  env.scope.emitter.report(diag::Id::bad_mask, span, std::move(message)).help = std::move(help);
  return failed();
}

Value checkLengths(Env env, const ast::Expr& expr, ir::TypeKind kind) {
  const size_t count = expr.lengths.size();
  const std::string base(expr.args[0].span.text());
  if (kind == ir::TypeKind::Ip && count != 2)
    return bad(env, expr.span, fmt::format("{} lacks the length for IPv6", quoted(expr.span)),
               fmt::format("write both: `{}/24/64`", base));
  if (kind != ir::TypeKind::Ip && count != 1)
    return bad(env, expr.span, fmt::format("{} has two lengths for one family", quoted(expr.span)),
               fmt::format("write one: `{}/{}`", base, kind == ir::TypeKind::Ipv4 ? 24 : 64));
  const uint32_t v4 = kind == ir::TypeKind::Ipv6 ? 0 : expr.lengths[0];
  const uint32_t v6 = kind == ir::TypeKind::Ipv6 ? expr.lengths[0] : kind == ir::TypeKind::Ip ? expr.lengths[1] : 0;
  if (v4 > 32)
    return bad(env, expr.span, fmt::format("`/{}` is more than an IPv4 address has: 32 bits", v4), "");
  if (v6 > 128)
    return bad(env, expr.span, fmt::format("`/{}` is more than an IPv6 address has: 128 bits", v6), "");
  Value value;
  value.masked = true;
  value.expr.kind = ir::ExprKind::Mask;
  value.expr.type = {kind};
  value.expr.v4_bits = static_cast<uint8_t>(kind == ir::TypeKind::Ipv6 ? 32 : v4);
  value.expr.v6_bits = static_cast<uint8_t>(kind == ir::TypeKind::Ipv4 ? 128 : v6);
  value.expr.span = expr.span;
  return value;
}

abi::Address addressOf(ir::u128 number, abi::Family family) {
  abi::Address address{.family = family};
  for (unsigned i = abi::addressBits(family) / 8; i-- > 0; number >>= 8)
    address.bytes[i] = static_cast<uint8_t>(number);
  return address;
}

} // namespace

Value checkMask(Env env, const ast::Expr& expr) {
  Value inner = checkExpr(env, expr.args[0]);
  if (!inner.ok)
    return inner;
  if (category(inner.expr.type) != Category::address || inner.constant) {
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                                 fmt::format("{}; `/` masks an address's bits", describe(expr.args[0], inner)));
    if (category(inner.expr.type) == Category::number)
      error.help = "there is no division";
    return failed();
  }
  if (inner.masked)
    return bad(env, expr.span, fmt::format("{} is masked twice", quoted(expr.span)), "");
  Value value = checkLengths(env, expr, inner.expr.type.kind);
  if (!value.ok)
    return value;
  addParts(value, inner);
  value.expr.args.push_back(std::move(inner.expr));
  return value;
}

bool withinMask(Scope& scope, const ir::Expr& masked, const ir::Interval& interval, Span at) {
  if (masked.kind != ir::ExprKind::Mask || interval.domain == ir::Domain::number)
    return true;
  const bool v4 = interval.domain == ir::Domain::v4;
  const unsigned kept = v4 ? masked.v4_bits : masked.v6_bits, hidden = (v4 ? 32 : 128) - kept;
  const ir::u128 low_bits = hidden == 128 ? ~ir::u128{0} : (ir::u128{1} << hidden) - 1;
  const ir::u128 first = interval.low & ~low_bits; // below or at the interval's start
  if (first == interval.low || (first | low_bits) < interval.high)
    return true;
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::host_bits, at, fmt::format("{} has bits set behind the {} that the mask keeps", quoted(at), kept));
  if (interval.low == interval.high)
    error.fixits.push_back({at, abi::toString(addressOf(first, v4 ? abi::Family::v4 : abi::Family::v6))});
  return false;
}

bool withinMask(Scope& scope, const ir::Expr& masked, const ir::Expr& constant) {
  if (constant.kind != ir::ExprKind::Address)
    return true;
  const ir::u128 number = ir::numberOf(*constant.address);
  return withinMask(scope, masked, {ir::domainOf(constant.address->family), number, number}, constant.span);
}

} // namespace xdpc::sema
