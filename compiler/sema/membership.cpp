// Checks `in` and `not in`: constant sets, dynamic sets, ranges and prefixes in place. Tested by
// tests/unit/sema/membership_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/sema/key.h"
#include "compiler/sema/map.h"
#include "compiler/sema/payload.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

struct Operand {
  std::vector<Value> values;
  std::vector<ir::Type> types;
};

std::optional<Operand> checkOperand(Env env, const ast::Expr& expr) {
  const ast::Expr& inner = namedTuple(env.scope, expr);
  Operand operand;
  bool ok = true;
  const auto add = [&](const ast::Expr& part) {
    Value value = checkExpr(env, part);
    ok &= value.ok;
    if (value.ok && category(value.expr.type) == Category::boolean) {
      env.scope.emitter.report(diag::Id::type_mismatch, part.span,
                               fmt::format("{} is a condition and in no set", quoted(part.span)));
      ok = false;
    }
    if (value.ok && value.expr.kind == ir::ExprKind::Payload) {
      env.scope.emitter
          .report(diag::Id::type_mismatch, part.span, fmt::format("{} is in no set as a whole", quoted(part.span)))
          .help = fmt::format("take some of its bytes: `{}[0:4]`", part.span.text());
      ok = false;
    }
    operand.types.push_back(value.expr.type);
    operand.values.push_back(std::move(value));
  };
  if (inner.kind == ast::ExprKind::Tuple)
    for (const ast::Expr& part : inner.args)
      add(part);
  else
    add(inner);
  return ok ? std::optional(std::move(operand)) : std::nullopt;
}

Value member(Env env, const ast::Expr& expr, std::vector<Value> values, ir::ExprKind kind, uint32_t id) {
  ir::Expr in;
  in.kind = kind;
  in.type = {ir::TypeKind::Bool};
  in.id = id;
  in.span = expr.span;
  Value result;
  for (Value& value : values) {
    bytesToNumber(value);
    addParts(result, value);
    in.args.push_back(std::move(value.expr));
  }
  return membership(env, expr, std::move(result), std::move(in));
}

// A slice that no number holds is compared with each element.
bool isLong(const Operand& operand) {
  return operand.values.size() == 1 && category(operand.types[0]) == Category::bytes && operand.types[0].bits > 64;
}

Value inConstant(Env env, const ast::Expr& expr, Operand operand, uint32_t index) {
  if (!prepareConstant(env.scope, index))
    return failed();
  Constant& constant = env.scope.constants[index];
  if (isLong(operand))
    return inBytes(env, expr, std::move(operand.values[0]), collectElements(env, withoutGroup(expr.args[1])));
  for (const auto& [types, id] : constant.used_as)
    if (types == operand.types)
      return member(env, expr, std::move(operand.values), ir::ExprKind::InConst, id);
  RawSet single;
  if (!constant.is_set)
    single = collectElements(env, withoutGroup(expr.args[1]));
  const RawSet& raw = constant.is_set ? constant.raw : single;
  const ConstSetUse use{constant.decl->name.text, withoutGroup(expr.args[1]).span,
                        std::string(withoutGroup(expr.args[0]).span.text()), true};
  const auto id = makeConstSet(env.scope, raw, operand.types, use);
  if (!id)
    return failed();
  constant.used_as.push_back({operand.types, *id});
  return member(env, expr, std::move(operand.values), ir::ExprKind::InConst, *id);
}

// Elements that stand in this place, not in a constant that is compared with something else, too.
bool withinMasks(Scope& scope, const std::vector<Value>& values, const RawSet& raw, Span place) {
  bool ok = true;
  for (const RawElement& element : raw.elements)
    for (size_t i = 0; i < element.size() && i < values.size(); ++i) {
      const Span at = element[i].span;
      if (at.file == place.file && at.begin >= place.begin && at.end <= place.end)
        ok &= withinMask(scope, values[i].expr, element[i].interval, at);
    }
  return ok;
}

Value inLiteral(Env env, const ast::Expr& expr, Operand operand) {
  const ast::Expr& set = withoutGroup(expr.args[1]);
  const RawSet raw = collectElements(env, set);
  if (!withinMasks(env.scope, operand.values, raw, set.span))
    return failed();
  if (isLong(operand))
    return inBytes(env, expr, std::move(operand.values[0]), raw);
  const ConstSetUse use{"", set.span, std::string(withoutGroup(expr.args[0]).span.text()), false};
  const auto id = makeConstSet(env.scope, raw, operand.types, use);
  return id ? member(env, expr, std::move(operand.values), ir::ExprKind::InConst, *id) : failed();
}

Value inDynamic(Env env, const ast::Expr& expr, uint32_t index) {
  auto values = checkSetKey(env, expr.args[0], env.scope.policy.sets[index], KeyUse::lookup);
  if (!values)
    return failed();
  env.scope.policy.sets[index].used = true;
  return member(env, expr, std::move(*values), ir::ExprKind::InSet, index);
}

// Whether the map has the key.
Value inMap(Env env, const ast::Expr& expr, uint32_t index) {
  auto values = checkMapKey(env, expr.args[0], index);
  return values ? member(env, expr, std::move(*values), ir::ExprKind::MapHas, index) : failed();
}

bool isElementLiteral(const ast::Expr& expr) {
  using enum ast::ExprKind;
  return expr.kind == Set || expr.kind == Range || expr.kind == Prefix || expr.kind == Address || expr.kind == Mac ||
         expr.kind == Number || expr.kind == Bytes || expr.kind == Load;
}

Value noSet(Env env, const ast::Expr& expr) {
  auto& error =
      env.scope.emitter.report(diag::Id::wrong_kind, expr.span, fmt::format("{} is no set", quoted(expr.span)));
  suggestRange(error, expr);
  return failed();
}

} // namespace

Value membership(Env env, const ast::Expr& expr, Value operands, ir::Expr condition) {
  const bool outside = expr.op == ast::Op::NotIn;
  if (outside) {
    ir::Expr negated;
    negated.kind = ir::ExprKind::Not;
    negated.type = {ir::TypeKind::Bool};
    negated.span = expr.span;
    negated.args.push_back(std::move(condition));
    condition = std::move(negated);
    ++operands.depth;
  }
  Value result = atom(env, std::move(operands), std::move(condition));
  if (outside)
    setMaybeAbsent(result, expr.span);
  return result;
}

Value checkMembership(Env env, const ast::Expr& expr) {
  const ast::Expr& set = withoutGroup(expr.args[1]);
  const Symbol* symbol = nullptr;
  if (set.kind == ast::ExprKind::Name) {
    symbol = lookUp(env.scope, set.text);
    if (!symbol) {
      reportUnknown(env.scope, ast::nameOf(set), "set", std::nullopt);
      return failed();
    }
    if (symbol->kind == SymbolKind::Set)
      return inDynamic(env, expr, symbol->index);
    if (symbol->kind == SymbolKind::Map)
      return inMap(env, expr, symbol->index);
    if (symbol->kind != SymbolKind::Constant) {
      env.scope.emitter.report(diag::Id::wrong_kind, set.span,
                               fmt::format("`{}` is {}, not a set", set.text, aKind(symbol->kind)));
      return failed();
    }
  } else if (!isElementLiteral(set)) {
    return noSet(env, set);
  }
  auto operand = checkOperand(env, expr.args[0]);
  if (!operand)
    return failed();
  return symbol ? inConstant(env, expr, std::move(*operand), symbol->index) : inLiteral(env, expr, std::move(*operand));
}

} // namespace xdpc::sema
