// Bounds of expressions.
#include "compiler/ir/bounds.h"

#include <algorithm>
#include <limits>

namespace xdpc::ir {
namespace {

constexpr uint64_t kUnbounded = std::numeric_limits<uint64_t>::max();

uint64_t ofBits(unsigned bits) {
  return bits >= 64 ? kUnbounded : (uint64_t{1} << bits) - 1;
}

// All bits up to the highest of either: what `|` and `^` cannot exceed.
uint64_t allBits(uint64_t left, uint64_t right) {
  const uint64_t most = std::max(left, right);
  return most ? ofBits(64 - __builtin_clzll(most)) : 0;
}

uint64_t ofArithmetic(Op op, const Policy& policy, const Expr& left_expr, const Expr& right_expr) {
  const uint64_t left = largestValue(policy, left_expr), right = largestValue(policy, right_expr);
  uint64_t result = 0;
  switch (op) {
  case Op::Mul:
    return __builtin_mul_overflow(left, right, &result) ? kUnbounded : result;
  case Op::Add:
    return __builtin_add_overflow(left, right, &result) ? kUnbounded : result;
  case Op::BitAnd:
    return std::min(left, right);
  case Op::BitOr:
  case Op::BitXor:
    return allBits(left, right);
  case Op::Shl:
    return right < 64 && left <= kUnbounded >> right ? left << right : kUnbounded;
  case Op::Shr:
    return right_expr.kind == ExprKind::Int && right < 64 ? left >> right : left;
  default:
    return kUnbounded; // a difference can be negative
  }
}

} // namespace

uint64_t largestValue(const Policy& policy, const Expr& expr) {
  switch (expr.kind) {
  case ExprKind::Int:
    return static_cast<int64_t>(expr.number) < 0 ? kUnbounded : expr.number;
  case ExprKind::Bool:
    return 1;
  case ExprKind::Field: {
    const Field& field = policy.headers[expr.header].fields[expr.field];
    return field.derived ? largestValue(policy, *field.derived) : ofBits(field.bits);
  }
  case ExprKind::Arith:
    return ofArithmetic(expr.op, policy, expr.args[0], expr.args[1]);
  default:
    return expr.type.kind == TypeKind::Bool ? 1 : kUnbounded;
  }
}

} // namespace xdpc::ir
