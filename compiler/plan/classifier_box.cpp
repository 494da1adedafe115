// Makes boxes of conditions.
#include "compiler/plan/classifier_box.h"
#include "compiler/ir/same.h"

#include <algorithm>
#include <bit>

namespace xdpc::plan {
namespace {

constexpr size_t kMaxValues = 24;
constexpr size_t kMaxAtoms = 24;
constexpr size_t kMaxIntervals = 64; // of one set

ir::u128 lowBits(unsigned count) {
  return count >= 128 ? ~ir::u128{0} : (ir::u128{1} << count) - 1;
}

// What a value of the type can be; nothing for what has no intervals.
Intervals rangeOf(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bool:
    return {{ir::Domain::number, 0, 1}};
  case ir::TypeKind::Int:
    return {{ir::Domain::number, 0, lowBits(type.bits)}};
  case ir::TypeKind::Mac:
    return {{ir::Domain::number, 0, lowBits(48)}};
  case ir::TypeKind::Ipv4:
    return {{ir::Domain::v4, 0, lowBits(32)}};
  case ir::TypeKind::Ipv6:
    return {{ir::Domain::v6, 0, lowBits(128)}};
  case ir::TypeKind::Ip:
    return {{ir::Domain::v4, 0, lowBits(32)}, {ir::Domain::v6, 0, lowBits(128)}};
  default:
    return {};
  }
}

// False where no packet satisfies both.
bool addTo(Conjunction& into, Conjunction other) {
  into.wanted |= other.wanted;
  into.unwanted |= other.unwanted;
  if (into.wanted & into.unwanted)
    return false;
  for (Conjunction::Bound& bound : other.values) {
    const auto place = std::ranges::lower_bound(into.values, bound.value, {}, &Conjunction::Bound::value);
    if (place == into.values.end() || place->value != bound.value)
      into.values.insert(place, std::move(bound));
    else if (place->intervals = intersection(place->intervals, bound.intervals); place->intervals.empty())
      return false;
  }
  return true;
}

} // namespace

std::optional<Disjunction> BoxMaker::make(const ir::Expr& expr, Sense sense) {
  const bool holds = sense == Sense::holds;
  switch (expr.kind) {
  case ir::ExprKind::Bool:
    return (expr.number != 0) == holds ? Disjunction(1) : Disjunction();
  case ir::ExprKind::Not:
    return make(expr.args[0], holds ? Sense::fails : Sense::holds);
  case ir::ExprKind::And:
    return holds ? product(expr.args, sense) : sum(expr.args, sense);
  case ir::ExprKind::Or:
    return holds ? sum(expr.args, sense) : product(expr.args, sense);
  case ir::ExprKind::Present:
    return present(expr, sense);
  case ir::ExprKind::Compare:
    return compare(expr, sense);
  case ir::ExprKind::InConst:
    return inConst(expr, sense);
  case ir::ExprKind::Field:
  case ir::ExprKind::Packet:
    return compareNumber(expr, ir::Op::Ne, 0, sense);
  default:
    return std::nullopt;
  }
}

std::optional<Disjunction> BoxMaker::product(const std::vector<ir::Expr>& args, Sense sense) {
  Disjunction all(1);
  for (const ir::Expr& arg : args) {
    auto factor = make(arg, sense);
    if (!factor || all.size() * factor->size() > 4 * kMaxBoxes)
      return std::nullopt;
    if (all.size() == 1 && factor->size() == 1) { // as nearly always
      if (!addTo(all.front(), std::move(factor->front())))
        all.clear();
      continue;
    }
    Disjunction next;
    for (const Conjunction& one : all)
      for (const Conjunction& other : *factor)
        if (Conjunction both = one; addTo(both, other))
          next.push_back(std::move(both));
    all = std::move(next);
    if (all.size() > kMaxBoxes)
      return std::nullopt;
  }
  return all;
}

std::optional<Disjunction> BoxMaker::sum(const std::vector<ir::Expr>& args, Sense sense) {
  Disjunction all;
  for (const ir::Expr& arg : args) {
    auto some = make(arg, sense);
    if (!some || all.size() + some->size() > kMaxBoxes)
      return std::nullopt;
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

std::optional<Disjunction> BoxMaker::present(const ir::Expr& expr, Sense sense) {
  const auto atom = atomOf(expr.header);
  if (!atom)
    return std::nullopt;
  const uint64_t bit = uint64_t{1} << *atom;
  return sense == Sense::holds ? Disjunction{{.wanted = bit, .values = {}}}
                               : Disjunction{{.unwanted = bit, .values = {}}};
}

std::optional<Disjunction> BoxMaker::compare(const ir::Expr& expr, Sense sense) {
  const bool swapped = ir::isConstant(expr.args[0]);
  const ir::Expr &value = expr.args[swapped ? 1 : 0], &constant = expr.args[swapped ? 0 : 1];
  if (ir::isConstant(value) || !ir::isConstant(constant))
    return std::nullopt;
  const Sense other = sense == Sense::holds ? Sense::fails : Sense::holds;
  if (constant.kind == ir::ExprKind::Address)
    return compareAddress(value, constant, expr.op == ir::Op::Eq ? sense : other);
  return compareNumber(value, swapped ? ir::mirrored(expr.op) : expr.op, constant.number, sense);
}

// Numbers are compared as signed ones of 64 bits; values are never negative, but those of 64 bits look so.
std::optional<Disjunction> BoxMaker::compareNumber(const ir::Expr& value, ir::Op op, uint64_t number, Sense sense) {
  const auto bounded = valueOf(value);
  if (!bounded || bounded->all.size() != 1 || bounded->all[0].domain != ir::Domain::number)
    return std::nullopt;
  const ir::u128 top = bounded->all[0].high;
  const bool ordered = op != ir::Op::Eq && op != ir::Op::Ne;
  if (ordered && top > lowBits(63))
    return std::nullopt;
  const bool below = static_cast<int64_t>(number) < 0 && top <= lowBits(63); // every value
  Intervals intervals;
  auto add = [&](ir::u128 low, ir::u128 high) {
    if (low <= high && low <= top)
      intervals.push_back({ir::Domain::number, low, std::min(high, top)});
  };
  const ir::u128 at = number;
  switch (op) {
  case ir::Op::Eq:
  case ir::Op::Ne:
    if (!below)
      add(at, at);
    return within(*bounded, std::move(intervals),
                  (op == ir::Op::Eq) == (sense == Sense::holds) ? Sense::holds : Sense::fails);
  case ir::Op::Lt:
    if (!below && at > 0)
      add(0, at - 1);
    break;
  case ir::Op::Le:
    if (!below)
      add(0, at);
    break;
  case ir::Op::Gt:
    below ? add(0, top) : add(at + 1, top);
    break;
  case ir::Op::Ge:
    below ? add(0, top) : add(at, top);
    break;
  default:
    return std::nullopt;
  }
  return within(*bounded, std::move(intervals), sense);
}

// A masked address equals a constant in a whole prefix, if the constant has no bit beyond the mask.
std::optional<Disjunction> BoxMaker::compareAddress(const ir::Expr& value, const ir::Expr& constant, Sense sense) {
  const bool masked = value.kind == ir::ExprKind::Mask;
  const auto bounded = valueOf(masked ? value.args[0] : value);
  if (!bounded)
    return std::nullopt;
  const bool v4 = constant.address->family == abi::Family::v4;
  const unsigned whole = v4 ? 32 : 128;
  const unsigned kept = !masked ? whole : v4 ? value.v4_bits : value.v6_bits;
  const ir::u128 address = ir::numberOf(*constant.address), rest = lowBits(whole - kept);
  Intervals intervals;
  if ((address & rest) == 0)
    intervals.push_back({v4 ? ir::Domain::v4 : ir::Domain::v6, address, address | rest});
  return within(*bounded, std::move(intervals), sense);
}

std::optional<Disjunction> BoxMaker::inConst(const ir::Expr& expr, Sense sense) {
  const ir::ConstSet& set = policy_.const_sets[expr.id];
  if (set.elements.size() > kMaxIntervals)
    return std::nullopt;
  if (expr.args.size() > 1)
    return sense == Sense::holds ? tuples(expr, set) : std::nullopt;
  const auto bounded = valueOf(expr.args[0]);
  if (!bounded)
    return std::nullopt;
  Intervals intervals;
  for (const auto& element : set.elements)
    intervals.push_back(element[0]);
  return within(*bounded, std::move(intervals), sense);
}

std::optional<Disjunction> BoxMaker::tuples(const ir::Expr& expr, const ir::ConstSet& set) {
  Disjunction all;
  for (const auto& element : set.elements) {
    Conjunction one;
    bool possible = true;
    for (size_t i = 0; i < expr.args.size() && possible; ++i) {
      const auto bounded = valueOf(expr.args[i]);
      if (!bounded)
        return std::nullopt;
      auto part = within(*bounded, {element[i]}, Sense::holds);
      possible = !part->empty() && addTo(one, std::move(part->front()));
    }
    if (possible)
      all.push_back(std::move(one));
  }
  return all;
}

// A value is looked at only where its header is there: both the condition and its negation say so.
std::optional<Disjunction> BoxMaker::within(const Bounded& value, Intervals intervals, Sense sense) {
  intervals = sense == Sense::holds ? intersection(value.all, intervals) : complement(intervals, value.all);
  if (intervals.empty())
    return Disjunction();
  Conjunction one;
  if (value.has_header) {
    const auto atom = atomOf(value.header);
    if (!atom)
      return std::nullopt;
    one.wanted = uint64_t{1} << *atom;
  }
  one.values.push_back({value.value, std::move(intervals)});
  Disjunction all;
  all.push_back(std::move(one));
  return all;
}

namespace {

// A number's bits: of a field, of what is taken from it as a number, or of its bits under a mask.
unsigned bitsOf(const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Arith:
    return std::min(bitsOf(expr.args[0]), bitsOf(expr.args[1]));
  case ir::ExprKind::Int:
    return static_cast<unsigned>(std::bit_width(expr.number));
  case ir::ExprKind::Number:
    return std::min<unsigned>(expr.type.bits, bitsOf(expr.args[0]));
  default:
    break;
  }
  switch (expr.type.kind) {
  case ir::TypeKind::Bool:
    return 1;
  case ir::TypeKind::Mac:
    return 48;
  case ir::TypeKind::Ipv4:
    return 32;
  default:
    return expr.type.bits;
  }
}

bool isMaskedNumber(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Arith && expr.op == ir::Op::BitAnd;
}

} // namespace

std::optional<BoxMaker::Bounded> BoxMaker::valueOf(const ir::Expr& expr) {
  const ir::Expr* read = &expr;
  unsigned dropped = 0;
  if (isMaskedNumber(expr)) {
    const bool swapped = expr.args[0].kind == ir::ExprKind::Int;
    const ir::Expr& mask = expr.args[swapped ? 0 : 1];
    read = &expr.args[swapped ? 1 : 0];
    if (mask.kind != ir::ExprKind::Int || mask.number == 0)
      return std::nullopt;
    dropped = static_cast<unsigned>(std::countr_zero(mask.number));
  }
  if (read->kind == ir::ExprKind::Mask || read->kind == ir::ExprKind::Number)
    read = &read->args[0];
  if (read->kind != ir::ExprKind::Field && read->kind != ir::ExprKind::Packet &&
      read->kind != ir::ExprKind::LastProtocol)
    return std::nullopt;
  const bool has_header = read->kind != ir::ExprKind::Packet;
  Intervals all = rangeOf(expr.type);
  const unsigned bits = bitsOf(expr);
  if (all.empty() || (has_header && !atomOf(read->header)))
    return std::nullopt;
  if (all.front().domain == ir::Domain::number) {
    if (bits <= dropped)
      return std::nullopt;
    all.front().high = lowBits(bits);
  }
  auto& values = classifier_.values;
  const auto known = std::ranges::find_if(values, [&](const auto& value) { return ir::sameExpr(value.expr, expr); });
  const auto index = static_cast<uint32_t>(known - values.begin());
  if (known == values.end()) {
    if (values.size() >= kMaxValues)
      return std::nullopt;
    values.push_back(
        {expr, has_header ? std::optional(read->header) : std::nullopt, bits > dropped ? bits - dropped : 0, dropped});
  }
  // Which family an address is of: a packet has one of them.
  if (all.size() == 2)
    for (ir::HeaderId alternative : policy_.headers[read->header].alternatives)
      if (!atomOf(alternative))
        return std::nullopt;
  return Bounded{index, read->header, has_header, std::move(all)};
}

// Whether a header is there is known in each leaf of the parser, but for those that are found in passing.
bool BoxMaker::isPlain(ir::HeaderId id) const {
  const ir::Header& header = policy_.headers[id];
  if (header.kind == ir::HeaderKind::alternatives)
    return std::ranges::all_of(header.alternatives, [&](ir::HeaderId one) { return isPlain(one); });
  return header.kind == ir::HeaderKind::plain || header.kind == ir::HeaderKind::tunnel;
}

std::optional<uint32_t> BoxMaker::atomOf(ir::HeaderId header) {
  auto& atoms = classifier_.atoms;
  const auto known = std::ranges::find(atoms, header);
  const auto index = static_cast<uint32_t>(known - atoms.begin());
  if (known != atoms.end())
    return index;
  if (!isPlain(header) || atoms.size() >= kMaxAtoms)
    return std::nullopt;
  atoms.push_back(header);
  return index;
}

} // namespace xdpc::plan
