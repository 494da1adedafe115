// See same.h.
#include "compiler/ir/same.h"

#include <algorithm>

namespace xdpc::ir {

bool sameExpr(const Expr& left, const Expr& right) {
  return left.kind == right.kind && left.op == right.op && left.type == right.type && left.number == right.number &&
         left.header == right.header && left.field == right.field && left.id == right.id &&
         left.packet == right.packet && left.v4_bits == right.v4_bits && left.v6_bits == right.v6_bits &&
         left.address == right.address && left.bytes == right.bytes &&
         std::ranges::equal(left.args, right.args, sameExpr);
}

// Constants of several words may share one: they are compared.
uint64_t hashOf(const Expr& expr) {
  uint64_t hash = static_cast<uint64_t>(expr.kind);
  const auto add = [&](uint64_t part) { hash = (hash ^ part) * 0x9e3779b97f4a7c15u ^ hash >> 29; };
  add(uint64_t{expr.header} << 32 | expr.field);
  add(uint64_t{expr.id} << 32 | uint64_t{expr.v4_bits} << 16 | uint64_t{expr.v6_bits} << 8 |
      static_cast<uint64_t>(expr.packet));
  add(expr.number);
  for (const Expr& arg : expr.args)
    add(hashOf(arg));
  return hash;
}

} // namespace xdpc::ir
