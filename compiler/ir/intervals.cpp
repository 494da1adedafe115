// See intervals.h.
#include "compiler/ir/intervals.h"

#include <algorithm>

namespace xdpc::ir {

Intervals complement(const Intervals& intervals, const Intervals& all) {
  Intervals rest;
  for (Interval whole : all) {
    bool left = true;
    for (const Interval& one : intervals) {
      if (one.domain != whole.domain || one.high < whole.low || one.low > whole.high)
        continue;
      if (one.low > whole.low)
        rest.push_back({whole.domain, whole.low, one.low - 1});
      left = one.high < whole.high;
      if (!left)
        break;
      whole.low = one.high + 1;
    }
    if (left)
      rest.push_back(whole);
  }
  return rest;
}

Intervals intersection(const Intervals& left, const Intervals& right) {
  Intervals both;
  for (const Interval& one : left)
    for (const Interval& other : right)
      if (one.domain == other.domain && one.low <= other.high && other.low <= one.high)
        both.push_back({one.domain, std::max(one.low, other.low), std::min(one.high, other.high)});
  return both;
}

u128 numberOf(const abi::Address& address) {
  u128 number = 0;
  for (unsigned i = 0; i < abi::addressBits(address.family) / 8; ++i)
    number = number << 8 | address.bytes[i];
  return number;
}

Domain domainOf(abi::Family family) {
  return family == abi::Family::v4 ? Domain::v4 : Domain::v6;
}

Interval intervalOf(const abi::Prefix& prefix) {
  const unsigned host = abi::addressBits(prefix.address.family) - prefix.length;
  const u128 low = numberOf(prefix.address);
  const u128 hosts = host == 128 ? ~u128{0} : (u128{1} << host) - 1;
  return {domainOf(prefix.address.family), low, low | hosts};
}

bool isConstant(const Expr& expr) {
  return expr.kind == ExprKind::Int || expr.kind == ExprKind::Bool || expr.kind == ExprKind::Mac ||
         expr.kind == ExprKind::Address;
}

Op mirrored(Op op) {
  switch (op) {
  case Op::Lt:
    return Op::Gt;
  case Op::Le:
    return Op::Ge;
  case Op::Gt:
    return Op::Lt;
  case Op::Ge:
    return Op::Le;
  default:
    return op;
  }
}

} // namespace xdpc::ir
