// See constraint.h.
#include "compiler/analysis/constraint.h"

#include "compiler/ir/print.h"

#include <algorithm>
#include <limits>

namespace xdpc::analysis {
namespace {

using ir::Domain;
using ir::ExprKind;
using ir::Interval;
using ir::u128;

constexpr u128 kMaxNumber = std::numeric_limits<uint64_t>::max();

// What a packet gives by itself and stays the same however often it is looked at.
bool isValue(const ir::Expr& expr) {
  switch (expr.kind) {
  case ExprKind::Field:
  case ExprKind::Packet:
  case ExprKind::PayloadLength:
  case ExprKind::LastProtocol:
    return true;
  case ExprKind::Mask:
  case ExprKind::Number:
    return isValue(expr.args[0]);
  default:
    return false;
  }
}

Interval single(const ir::Expr& constant) {
  if (constant.kind == ExprKind::Address) {
    const u128 number = ir::numberOf(*constant.address);
    return {ir::domainOf(constant.address->family), number, number};
  }
  return {Domain::number, constant.number, constant.number};
}

// Values for which `value op constant` holds; nothing where this file does not know.
std::optional<Intervals> allowed(ir::Op op, const ir::Expr& constant) {
  const Interval one = single(constant);
  if (op == ir::Op::Eq)
    return Intervals{one};
  if (constant.kind != ExprKind::Int || static_cast<int64_t>(constant.number) < 0)
    return {};
  const u128 number = constant.number;
  switch (op) {
  case ir::Op::Lt:
    return number == 0 ? Intervals{} : Intervals{{Domain::number, 0, number - 1}};
  case ir::Op::Le:
    return Intervals{{Domain::number, 0, number}};
  case ir::Op::Gt:
    return Intervals{{Domain::number, number + 1, kMaxNumber}};
  case ir::Op::Ge:
    return Intervals{{Domain::number, number, kMaxNumber}};
  default:
    return {};
  }
}

// All values that the type has.
std::optional<Interval> wholeOf(const ir::Type& type) {
  if (type.kind == ir::TypeKind::Bool)
    return Interval{Domain::number, 0, 1};
  if (type.kind != ir::TypeKind::Int || type.bits >= 64)
    return {};
  return Interval{Domain::number, 0, (u128{1} << type.bits) - 1};
}

std::optional<Bound> boundOfCompare(const ir::Expr& expr) {
  const ir::Expr &left = expr.args[0], &right = expr.args[1];
  const bool swapped = ir::isConstant(left) && isValue(right);
  if (!swapped && !(isValue(left) && ir::isConstant(right)))
    return {};
  auto values = allowed(swapped ? ir::mirrored(expr.op) : expr.op, swapped ? left : right);
  return values ? std::optional(Bound{swapped ? &right : &left, std::move(*values)}) : std::nullopt;
}

std::optional<Bound> boundOfSet(const ir::Policy& policy, const ir::Expr& expr) {
  constexpr size_t many = 1000; // a list of that length is looked at by its name only
  const ir::ConstSet& set = policy.const_sets[expr.id];
  if (expr.args.size() != 1 || !isValue(expr.args[0]) || set.elements.size() > many)
    return {};
  Intervals values;
  for (const auto& element : set.elements)
    values.push_back(element[0]);
  return Bound{&expr.args[0], std::move(values)};
}

// `tcp.flags & 2 == 1`: a bit that the mask has cleared.
bool asksClearedBit(const ir::Expr& expr) {
  if (expr.op != ir::Op::Eq)
    return false;
  for (const auto& [masked, constant] : {std::pair(&expr.args[0], &expr.args[1]), {&expr.args[1], &expr.args[0]}}) {
    if (masked->kind != ExprKind::Arith || masked->op != ir::Op::BitAnd || constant->kind != ExprKind::Int)
      continue;
    for (const ir::Expr& mask : masked->args)
      if (mask.kind == ExprKind::Int && (constant->number & ~mask.number) != 0)
        return true;
  }
  return false;
}

bool readsSet(const ir::Expr& expr) {
  return expr.kind == ExprKind::InSet || std::any_of(expr.args.begin(), expr.args.end(), readsSet);
}

} // namespace

bool covers(const Intervals& outer, const Intervals& inner) {
  return std::all_of(inner.begin(), inner.end(), [&](const Interval& x) {
    return std::any_of(outer.begin(), outer.end(),
                       [&](const Interval& y) { return x.domain == y.domain && y.low <= x.low && x.high <= y.high; });
  });
}

std::optional<Bound> boundOf(const ir::Policy& policy, const ir::Expr& comparison) {
  switch (comparison.kind) {
  case ExprKind::Field:
  case ExprKind::Packet:
    return Bound{&comparison, {{Domain::number, 1, 1}}};
  case ExprKind::Compare:
    return boundOfCompare(comparison);
  case ExprKind::InConst:
    return boundOfSet(policy, comparison);
  default:
    return {};
  }
}

class ConstraintMaker {
public:
  ConstraintMaker(const ir::Policy& policy, Values& values, Constraint& made)
      : policy_(policy), values_(values), made_(made) {}

  void run(Constraint::Conditions conditions) {
    for (const ir::Expr* condition : conditions)
      add(*condition);
    sort(made_.present_);
    sort(made_.absent_);
    sort(made_.others_);
    addNegations();
  }

private:
  template <class T> static void sort(std::vector<T>& all) {
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
  }

  // `not tcp.syn` is `not (tcp and tcp.syn)`: where the conjunction asks for the header anyway, the bit is clear.
  void addNegations() {
    for (const ir::Expr* inner : negations_) {
      const bool present = std::all_of(inner->args.begin(), inner->args.end() - 1, [&](const ir::Expr& arg) {
        return arg.kind == ExprKind::Present && std::ranges::binary_search(made_.present_, arg.header);
      });
      const ir::Expr& last = inner->args.back();
      if (present && (last.kind == ExprKind::Field || last.kind == ExprKind::Packet))
        bound(last, {{Domain::number, 0, 0}});
    }
  }

  void bound(const ir::Expr& value, Intervals allowed) {
    const uint32_t number = values_.numberOf(value);
    const auto place = std::ranges::lower_bound(made_.bounds_, number, {}, &Constraint::OfValue::value);
    if (place != made_.bounds_.end() && place->value == number) {
      place->allowed = intersection(place->allowed, allowed);
      return;
    }
    if (const auto whole = wholeOf(value.type))
      allowed = intersection({*whole}, allowed);
    made_.bounds_.insert(place, {number, std::move(allowed)});
  }

  void addNot(const ir::Expr& inner) {
    if (isValue(inner))
      return bound(inner, {{Domain::number, 0, 0}});
    if (inner.kind == ExprKind::Present)
      made_.absent_.push_back(inner.header);
    if (inner.kind == ExprKind::And)
      negations_.push_back(&inner);
  }

  void add(const ir::Expr& expr) {
    switch (expr.kind) {
    case ExprKind::And:
      for (const ir::Expr& arg : expr.args)
        add(arg);
      return;
    case ExprKind::Bool:
      made_.never_ = made_.never_ || !expr.number;
      return;
    case ExprKind::Present:
      made_.present_.push_back(expr.header);
      return;
    case ExprKind::Not:
      addNot(expr.args[0]);
      if (isValue(expr.args[0]))
        return;
      break;
    case ExprKind::Compare:
      made_.never_ = made_.never_ || asksClearedBit(expr);
      [[fallthrough]];
    default:
      if (auto bound_of = boundOf(policy_, expr))
        return bound(*bound_of->value, std::move(bound_of->values));
    }
    made_.dynamic_ = made_.dynamic_ || readsSet(expr);
    made_.others_.push_back(ir::toText(policy_, expr));
  }

  const ir::Policy& policy_;
  Values& values_;
  Constraint& made_;
  std::vector<const ir::Expr*> negations_; // conjunctions within the condition
};

Constraint::Constraint(const ir::Policy& policy, Values& values, Conditions conditions) {
  ConstraintMaker(policy, values, *this).run(conditions);
}

namespace {

// `ip.proto == 6 and udp`: the number leads to another header.
bool selectsAnother(const Presence& presence, const ir::Expr& value, const Intervals& allowed,
                    const std::vector<ir::HeaderId>& present) {
  return value.kind == ExprKind::Field && std::ranges::any_of(present, [&](ir::HeaderId header) {
           const auto& numbers = presence.selecting(value, header);
           return numbers && intersection(allowed, *numbers).empty();
         });
}

} // namespace

std::optional<ir::HeaderId> Constraint::impossible(const Presence& presence) const {
  for (ir::HeaderId header : present_)
    if (!presence.canOccur(header))
      return header;
  return {};
}

bool Constraint::contradictory(const Presence& presence, const Values& values) const {
  if (never_ || std::ranges::any_of(bounds_, [](const OfValue& one) { return one.allowed.empty(); }))
    return true;
  for (ir::HeaderId one : present_)
    for (ir::HeaderId other : present_)
      if (one != other && presence.exclude(one, other))
        return true;
  for (ir::HeaderId one : present_)
    for (ir::HeaderId other : absent_)
      if (presence.implies(one, other))
        return true;
  return std::ranges::any_of(
      bounds_, [&](const OfValue& one) { return selectsAnother(presence, values[one.value], one.allowed, present_); });
}

bool Constraint::excludes(const Constraint& other) const {
  auto theirs = other.bounds_.begin();
  for (const auto& [value, allowed] : bounds_) {
    while (theirs != other.bounds_.end() && theirs->value < value)
      ++theirs;
    if (theirs == other.bounds_.end())
      return false;
    if (theirs->value == value && disjoint(allowed, theirs->allowed))
      return true;
  }
  return false;
}

bool Constraint::implies(const Constraint& weaker) const {
  auto mine = bounds_.begin();
  for (const auto& [value, allowed] : weaker.bounds_) {
    while (mine != bounds_.end() && mine->value < value)
      ++mine;
    if (mine == bounds_.end() || mine->value != value || !covers(allowed, mine->allowed))
      return false;
  }
  return !weaker.never_ && std::ranges::includes(present_, weaker.present_) &&
         std::ranges::includes(others_, weaker.others_);
}

} // namespace xdpc::analysis
