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

namespace {

// Tells each two that have something in common, in order, until `meet` wants no more.
template <class Meet> void forMeeting(const Intervals& left, const Intervals& right, const Meet& meet) {
  auto one = left.begin(), other = right.begin();
  while (one != left.end() && other != right.end()) {
    if (one->domain == other->domain && one->low <= other->high && other->low <= one->high && !meet(*one, *other))
      return;
    if (std::pair(one->domain, one->high) < std::pair(other->domain, other->high))
      ++one;
    else
      ++other;
  }
}

} // namespace

Intervals intersection(const Intervals& left, const Intervals& right) {
  Intervals both;
  forMeeting(left, right, [&](const Interval& one, const Interval& other) {
    both.push_back({one.domain, std::max(one.low, other.low), std::min(one.high, other.high)});
    return true;
  });
  return both;
}

bool disjoint(const Intervals& left, const Intervals& right) {
  bool meets = false;
  forMeeting(left, right, [&](const Interval&, const Interval&) { return !(meets = true); });
  return !meets;
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
