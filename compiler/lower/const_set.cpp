// Lowers membership in constant sets.
#include "compiler/lower/const_set.h"
#include "compiler/lower/box_table.h"
#include "compiler/lower/key_function.h"
#include "compiler/lower/table.h"

#include <span>

namespace xdpc::lower {
namespace {

using Intervals = std::vector<const ir::Interval*>;

constexpr size_t kLinear = 3; // so few are compared one after the other

uint64_t high(ir::u128 value) {
  return static_cast<uint64_t>(value >> 64);
}
uint64_t low(ir::u128 value) {
  return static_cast<uint64_t>(value);
}

llvm::Constant* constant(const Value& like, uint64_t value) {
  return llvm::ConstantInt::get(like.low->getType(), value);
}

// low <= word <= high in one compare.
llvm::Value* inRange(Builder& b, llvm::Value* word, uint64_t from, uint64_t to) {
  auto* type = word->getType();
  uint64_t all = type->isIntegerTy(32) ? 0xffffffffu : ~uint64_t{0};
  if (from == to)
    return b.CreateICmpEQ(word, llvm::ConstantInt::get(type, from));
  if (from == 0 && to == all)
    return b.getTrue();
  if (from == 0)
    return b.CreateICmpULE(word, llvm::ConstantInt::get(type, to));
  return b.CreateICmpULE(b.CreateSub(word, llvm::ConstantInt::get(type, from)),
                         llvm::ConstantInt::get(type, to - from));
}

// An IPv6 interval that is all of some /64s is decided by the first half, one within a /64 by both.
llvm::Value* inV6(Builder& b, const Value& value, const ir::Interval& interval) {
  bool whole = low(interval.low) == 0 && low(interval.high) == ~uint64_t{0};
  if (whole)
    return inRange(b, value.high, high(interval.low), high(interval.high));
  if (high(interval.low) == high(interval.high))
    return b.CreateAnd(b.CreateICmpEQ(value.high, b.u64(high(interval.low))),
                       inRange(b, value.low, low(interval.low), low(interval.high)));
  auto below = [&](ir::u128 bound) { // value < bound
    return b.CreateOr(
        b.CreateICmpULT(value.high, b.u64(high(bound))),
        b.CreateAnd(b.CreateICmpEQ(value.high, b.u64(high(bound))), b.CreateICmpULT(value.low, b.u64(low(bound)))));
  };
  llvm::Value* from = b.CreateNot(below(interval.low));
  if (interval.high == ~ir::u128{0})
    return from;
  return b.CreateAnd(from, below(interval.high + 1));
}

llvm::Value* inInterval(Builder& b, const Value& value, const ir::Interval& interval) {
  if (value.kind == Value::Kind::v6)
    return inV6(b, value, interval);
  return inRange(b, value.low, low(interval.low), low(interval.high));
}

// value < bound
llvm::Value* isBelow(Builder& b, const Value& value, ir::u128 bound) {
  if (value.kind != Value::Kind::v6)
    return b.CreateICmpULT(value.low, constant(value, low(bound)));
  llvm::Value* first = b.CreateICmpULT(value.high, b.u64(high(bound)));
  if (low(bound) == 0)
    return first;
  return b.CreateOr(first, b.CreateAnd(b.CreateICmpEQ(value.high, b.u64(high(bound))),
                                       b.CreateICmpULT(value.low, b.u64(low(bound)))));
}

void lowerTree(Builder& b, const Value& value, std::span<const ir::Interval* const> intervals, llvm::BasicBlock* yes,
               llvm::BasicBlock* no) {
  if (intervals.size() > kLinear) {
    size_t middle = intervals.size() / 2;
    auto *left = b.block("left"), *right = b.block("right");
    b.CreateCondBr(isBelow(b, value, intervals[middle]->low), left, right);
    b.startBlock(left);
    lowerTree(b, value, intervals.first(middle), yes, no);
    b.startBlock(right);
    return lowerTree(b, value, intervals.subspan(middle), yes, no);
  }
  for (const ir::Interval* interval : intervals) {
    auto* next = interval == intervals.back() ? no : b.block("next");
    b.CreateCondBr(inInterval(b, value, *interval), yes, next);
    if (next != no)
      b.startBlock(next);
  }
  if (intervals.empty())
    b.CreateBr(no);
}

Intervals ofDomain(const ir::ConstSet& set, ir::Domain domain) {
  Intervals intervals;
  for (const auto& element : set.elements)
    if (element[0].domain == domain)
      intervals.push_back(&element[0]);
  return intervals;
}

void lowerTuples(Builder& b, const ir::ConstSet& set, const std::vector<Value>& values, llvm::BasicBlock* yes,
                 llvm::BasicBlock* no) {
  for (const auto& element : set.elements) {
    auto* next = b.block("next");
    for (size_t i = 0; i < values.size(); ++i) {
      if (element[i].domain != domainOf(values[i])) {
        b.CreateBr(next);
        break;
      }
      bool last = i + 1 == values.size();
      auto* more = last ? yes : b.block("part");
      b.CreateCondBr(inInterval(b, values[i], element[i]), more, next);
      if (!last)
        b.startBlock(more);
    }
    b.startBlock(next);
  }
  b.CreateBr(no);
}

// A set of tuples is looked up in place, one of single values in its function.
void lowerInTable(Builder& b, const ir::ConstSet& set, uint32_t id, const std::vector<Value>& values,
                  llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const plan::Tables& tables = plan::constTables(b.program(), id);
  llvm::Value* number = nullptr;
  if (tables.tuples) {
    std::vector<bool> either;
    for (const ir::Type& type : set.parts)
      either.push_back(type.kind == ir::TypeKind::Ip);
    number = lowerTupleLookup(b, *tables.tuples, values, either);
  } else if (tableFor(tables, values[0].kind)) {
    number = callNumberFunction(b, b.globals().set_tables.at(id), values[0]);
  }
  if (!number)
    b.CreateBr(no);
  else
    b.CreateCondBr(b.CreateICmpNE(number, b.u32(0)), yes, no);
}

void makeTableFunction(const plan::Program& program, uint32_t id, llvm::Module& module, DebugInfo& debug,
                       Globals& globals) {
  const plan::Tables& tables = plan::constTables(program, id);
  ValueKinds kinds;
  for (Value::Kind kind : {Value::Kind::number, Value::Kind::v4, Value::Kind::v6})
    if (tableFor(tables, kind))
      kinds.push_back(kind);
  if (kinds.empty())
    return;
  globals.set_tables[id] = makeNumberFunction(
      program, module, debug, globals, "const_set_" + std::to_string(id), program.policy->const_sets[id].span, kinds,
      [&](Builder& b, const Value& key) { return lowerLookup(b, *tableFor(tables, key.kind), key); });
}

} // namespace

void lowerInConst(Builder& b, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
  const ir::ConstSet& set = b.policy().const_sets[expr.id];
  std::vector<Value> values;
  for (const ir::Expr& arg : expr.args)
    values.push_back(lowerValue(b, packet, arg));
  switch (b.program().const_sets[expr.id]) {
  case plan::ConstSetKind::tuples:
    return lowerTuples(b, set, values, yes, no);
  case plan::ConstSetKind::function:
    return callKeyFunction(b, b.globals().const_sets.at(expr.id), values[0], yes, no);
  case plan::ConstSetKind::table:
    return lowerInTable(b, set, expr.id, values, yes, no);
  case plan::ConstSetKind::boxes: {
    llvm::Value* number = lowerBoxLookup(b, *plan::boxTable(b.program(), expr.id), values);
    b.CreateCondBr(b.CreateICmpNE(number, b.u64(0)), yes, no);
    return;
  }
  case plan::ConstSetKind::compares:
    return lowerTree(b, values[0], ofDomain(set, domainOf(values[0])), yes, no);
  }
}

void makeConstSetFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (uint32_t id = 0; id < program.const_sets.size(); ++id) {
    if (program.const_sets[id] == plan::ConstSetKind::table)
      makeTableFunction(program, id, module, debug, globals);
    if (program.const_sets[id] != plan::ConstSetKind::function)
      continue;
    const ir::ConstSet& set = program.policy->const_sets[id];
    ValueKinds kinds;
    for (Value::Kind kind : {Value::Kind::number, Value::Kind::v4, Value::Kind::v6})
      if (!ofDomain(set, domainOf({.kind = kind})).empty())
        kinds.push_back(kind);
    globals.const_sets[id] =
        makeKeyFunction(program, module, debug, globals, "const_set_" + std::to_string(id), set.span, kinds,
                        [&](Builder& b, const Value& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
                          lowerTree(b, key, ofDomain(set, domainOf(key)), yes, no);
                        });
  }
}

} // namespace xdpc::lower
