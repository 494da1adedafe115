// Lowers conditions.
#include "compiler/lower/condition.h"
#include "compiler/lower/const_set.h"
#include "compiler/lower/map.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/payload.h"
#include "compiler/lower/set.h"
#include "compiler/lower/value.h"

namespace xdpc::lower {
namespace {

llvm::CmpInst::Predicate predicate(ir::Op op) {
  switch (op) {
  case ir::Op::Eq:
    return llvm::CmpInst::ICMP_EQ;
  case ir::Op::Ne:
    return llvm::CmpInst::ICMP_NE;
  case ir::Op::Lt:
    return llvm::CmpInst::ICMP_SLT;
  case ir::Op::Le:
    return llvm::CmpInst::ICMP_SLE;
  case ir::Op::Gt:
    return llvm::CmpInst::ICMP_SGT;
  default:
    return llvm::CmpInst::ICMP_SGE;
  }
}

// Eq and Ne of what is not one word. Addresses of different families are unequal.
llvm::Value* compareAddresses(Builder& b, ir::Op op, const Value& left, const Value& right) {
  llvm::Value* equal;
  if (left.kind != right.kind)
    equal = b.getFalse();
  else if (left.kind == Value::Kind::v4)
    equal = b.CreateICmpEQ(left.low, right.low);
  else
    equal = b.CreateAnd(b.CreateICmpEQ(left.high, right.high), b.CreateICmpEQ(left.low, right.low));
  return op == ir::Op::Ne ? b.CreateNot(equal) : equal;
}

llvm::Value* compare(Builder& b, const Packet& packet, const ir::Expr& expr) {
  if (expr.args[0].type.kind == ir::TypeKind::Bytes)
    return compareSlices(b, expr);
  Value left = lowerValue(b, packet, expr.args[0]);
  Value right = lowerValue(b, packet, expr.args[1]);
  if (left.kind != Value::Kind::number || right.kind != Value::Kind::number)
    return compareAddresses(b, expr.op, left, right);
  return b.CreateICmp(predicate(expr.op), left.low, right.low);
}

// `stop` is the answer that ends the row: false for And, true for Or.
void lowerRow(Builder& b, const Packet& packet, const ir::Expr& expr, bool stop, llvm::BasicBlock* yes,
              llvm::BasicBlock* no) {
  const size_t windows = b.windows.size();
  for (size_t i = 0; i < expr.args.size(); ++i) {
    bool last = i + 1 == expr.args.size();
    llvm::BasicBlock* next = last ? (stop ? no : yes) : b.block(stop ? "or" : "and");
    // The rest of a conjunction reads the bytes that are there.
    if (!stop && expr.args[i].kind == ir::ExprKind::HasBytes && !knownCondition(b.policy(), packet, expr.args[i])) {
      openWindow(b, packet, expr.args[i], no);
      b.CreateBr(next);
    } else {
      lowerCondition(b, packet, expr.args[i], stop ? yes : next, stop ? next : no);
    }
    if (!last)
      b.startBlock(next);
  }
  b.windows.resize(windows);
}

std::optional<bool> knownRow(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr, bool stop) {
  bool all = true;
  for (const ir::Expr& arg : expr.args) {
    auto known = knownCondition(policy, packet, arg);
    if (known == stop)
      return stop;
    all &= known.has_value();
  }
  return all ? std::optional<bool>(!stop) : std::nullopt;
}

} // namespace

std::optional<bool> knownCondition(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Bool:
    return expr.number != 0;
  case ir::ExprKind::Present: {
    auto found = packet.find(policy, expr.header);
    if (!found)
      return false;
    return found->value->isCertain() ? std::optional<bool>(true) : std::nullopt;
  }
  case ir::ExprKind::HasBytes:
  case ir::ExprKind::Contains:
    return packet.find(policy, expr.header) ? std::nullopt : std::optional<bool>(false);
  case ir::ExprKind::Not: {
    auto known = knownCondition(policy, packet, expr.args[0]);
    return known ? std::optional<bool>(!*known) : std::nullopt;
  }
  case ir::ExprKind::And:
    return knownRow(policy, packet, expr, false);
  case ir::ExprKind::Or:
    return knownRow(policy, packet, expr, true);
  default:
    return std::nullopt;
  }
}

void lowerCondition(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes,
                    llvm::BasicBlock* no) {
  if (auto known = knownCondition(b.policy(), packet, expr)) {
    b.CreateBr(*known ? yes : no);
    return;
  }
  switch (expr.kind) {
  case ir::ExprKind::Not:
    return lowerCondition(b, packet, expr.args[0], no, yes);
  case ir::ExprKind::And:
    return lowerRow(b, packet, expr, false, yes, no);
  case ir::ExprKind::Or:
    return lowerRow(b, packet, expr, true, yes, no);
  case ir::ExprKind::Present:
    b.CreateCondBr(presentOf(b, *packet.find(b.policy(), expr.header)->value), yes, no);
    return;
  case ir::ExprKind::InConst:
    return lowerInConst(b, packet, expr, yes, no);
  case ir::ExprKind::InSet:
    return lowerInSet(b, packet, expr, yes, no);
  case ir::ExprKind::HasBytes:
    openWindow(b, packet, expr, no);
    b.windows.pop_back();
    b.CreateBr(yes);
    return;
  case ir::ExprKind::Contains:
    b.CreateCondBr(lowerContains(b, packet, expr), yes, no);
    return;
  case ir::ExprKind::MapHas:
    return lowerMapHas(b, packet, expr, yes, no);
  case ir::ExprKind::Compare:
    b.CreateCondBr(compare(b, packet, expr), yes, no);
    return;
  default:
    b.CreateCondBr(lowerBool(b, packet, expr), yes, no);
  }
}

bool lowerNeeds(Builder& b, const Packet& packet, const std::vector<ir::HeaderId>& needs, llvm::BasicBlock* absent) {
  for (ir::HeaderId id : needs) {
    auto found = packet.find(b.policy(), id);
    if (!found) {
      b.CreateBr(absent);
      return false;
    }
    if (found->value->isCertain())
      continue;
    auto* there = b.block("there");
    b.CreateCondBr(presentOf(b, *found->value), there, absent);
    b.startBlock(there);
  }
  return true;
}

namespace {

// One HasBytes a payload, for all slices in the values.
void collectBytes(const ir::Expr& expr, std::vector<ir::Expr>& needed) {
  if (expr.kind == ir::ExprKind::And) // asks for itself
    return;
  for (const ir::Expr& arg : expr.args)
    collectBytes(arg, needed);
  if (expr.kind != ir::ExprKind::Slice)
    return;
  const uint64_t end = expr.number + expr.type.bits / 8;
  for (ir::Expr& other : needed)
    if (other.header == expr.header) {
      other.number = std::max(other.number, end);
      return;
    }
  ir::Expr has_bytes;
  has_bytes.kind = ir::ExprKind::HasBytes;
  has_bytes.header = expr.header;
  has_bytes.number = end;
  needed.push_back(std::move(has_bytes));
}

// Inner ones first: a map's value can be the key of another.
void requireMapKeys(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* absent) {
  if (expr.kind == ir::ExprKind::And) // asks for itself
    return;
  for (const ir::Expr& arg : expr.args)
    requireMapKeys(b, packet, arg, absent);
  if (expr.kind != ir::ExprKind::MapValue)
    return;
  auto* there = b.block("mapped");
  lowerMapHas(b, packet, expr, there, absent);
  b.startBlock(there);
}

std::vector<const ir::Expr*> pointers(const std::vector<ir::Expr>& values) {
  std::vector<const ir::Expr*> out;
  for (const ir::Expr& value : values)
    out.push_back(&value);
  return out;
}

} // namespace

Reading::Reading(Builder& b, const Packet& packet, const std::vector<const ir::Expr*>& values, llvm::BasicBlock* absent)
    : builder_(b), windows_(b.windows.size()) {
  std::vector<ir::Expr> needed;
  for (const ir::Expr* value : values)
    collectBytes(*value, needed);
  for (const ir::Expr& one : needed)
    openWindow(b, packet, one, absent);
  for (const ir::Expr* value : values)
    requireMapKeys(b, packet, *value, absent);
}

Reading::Reading(Builder& b, const Packet& packet, const std::vector<ir::Expr>& values, llvm::BasicBlock* absent)
    : Reading(b, packet, pointers(values), absent) {}

Reading::~Reading() {
  builder_.windows.resize(windows_);
}

} // namespace xdpc::lower
