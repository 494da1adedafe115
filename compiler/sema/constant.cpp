// Checks constants, in any order of declaration: numbers, addresses, named conditions, sets. Tested by
// tests/unit/sema/constant_test.cpp.
#include "compiler/sema/const_set.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace xdpc::sema {

namespace {

bool isSetLiteral(const ast::Expr& expr) {
  using enum ast::ExprKind;
  return expr.kind == Set || expr.kind == Range || expr.kind == Prefix || expr.kind == Load;
}

// `(ip.src, tcp.dport)`: some part is read from a packet. Other tuples are elements.
bool isRead(const ast::Expr& expr) {
  using enum ast::ExprKind;
  return expr.kind == Member || expr.kind == Index || expr.kind == Slice || expr.kind == Mask ||
         std::ranges::any_of(expr.args, isRead);
}

void evaluateTuple(Scope& scope, uint32_t index, const ast::Expr& expr) {
  if (!isRead(expr)) {
    scope.constants[index].is_set = true;
    RawSet raw = collectElements({scope, {}}, expr);
    scope.constants[index].raw = std::move(raw);
    return;
  }
  bool ok = true;
  for (const ast::Expr& part : expr.args)
    ok &= checkExpr({scope, {}}, part).ok;
  scope.constants[index].is_tuple = ok;
  scope.constants[index].value = failed();
}

bool isQuantity(const ast::Expr& expr) {
  return expr.kind == ast::ExprKind::Number && expr.dimension != ast::Dimension::none &&
         expr.dimension != ast::Dimension::bytes;
}

void nameQuantity(Constant& constant) {
  constant.is_quantity = true;
  constant.value = failed();
}

void evaluate(Scope& scope, uint32_t index) {
  const ast::Expr& expr = withoutGroup(scope.constants[index].decl->value);
  if (isSetLiteral(expr)) {
    RawSet raw = collectElements({scope, {}}, expr);
    scope.constants[index].is_set = true;
    scope.constants[index].raw = std::move(raw);
    return;
  }
  if (expr.kind == ast::ExprKind::Tuple)
    return evaluateTuple(scope, index, expr);
  if (isQuantity(expr))
    return nameQuantity(scope.constants[index]);
  // `const also_web = web`: the set of the other constant.
  const Symbol* symbol = expr.kind == ast::ExprKind::Name ? lookUp(scope, expr.text) : nullptr;
  if (symbol && symbol->kind == SymbolKind::Constant) {
    const Constant* other = prepareConstant(scope, symbol->index);
    if (!other)
      scope.constants[index].value = failed();
    if (other && other->is_quantity)
      return nameQuantity(scope.constants[index]);
    if (other && other->is_tuple) {
      scope.constants[index].is_tuple = true;
      scope.constants[index].value = failed();
      return;
    }
    if (!other || other->is_set) {
      scope.constants[index].is_set = other;
      scope.constants[index].raw = other ? collectElements({scope, {}}, expr) : RawSet{};
      return;
    }
  }
  Value value = checkExpr({scope, {}}, expr);
  // A field by itself is a condition if it has one bit; else it is a name for the field.
  if (value.ok && value.expr.type.kind == ir::TypeKind::Bool && !value.constant)
    value = asCondition({scope, {}}, std::move(value), expr.span);
  if (value.ok && !boundedDefinition(scope, scope.constants[index].decl->name.span, value))
    value = failed();
  scope.constants[index].value = std::move(value);
}

} // namespace

const Constant* prepareConstant(Scope& scope, uint32_t index) {
  // No reference is kept over evaluate(): the vector of constants does not grow, but another constant may be prepared.
  if (scope.constants[index].progress == Progress::active) {
    const ast::Name& name = scope.constants[index].decl->name;
    scope.emitter.report(diag::Id::cyclic_definition, name.span, fmt::format("`{}` is defined by itself", name.text));
    return nullptr;
  }
  if (scope.constants[index].progress == Progress::untouched) {
    scope.constants[index].progress = Progress::active;
    if (scope.depth < kMaxDepth) {
      ++scope.depth;
      evaluate(scope, index);
      --scope.depth;
    } else {
      if (!std::exchange(scope.too_deep, true))
        scope.emitter.report(diag::Id::too_deep, scope.constants[index].decl->span,
                             fmt::format("constants refer to each other more than {} deep", kMaxDepth));
      scope.constants[index].value = failed();
    }
    scope.constants[index].progress = Progress::done;
  }
  return &scope.constants[index];
}

namespace {

// What is written where names of such constants stand for it; the last name that is none of them.
const ast::Expr& named(Scope& scope, const ast::Expr& expr, bool Constant::* is_wanted) {
  const ast::Expr* inner = &withoutGroup(expr);
  for (unsigned hops = 0; inner->kind == ast::ExprKind::Name && hops < kMaxDepth; ++hops) {
    const Symbol* symbol = lookUp(scope, inner->text);
    const bool wanted = symbol && symbol->kind == SymbolKind::Constant && prepareConstant(scope, symbol->index) &&
                        scope.constants[symbol->index].*is_wanted;
    if (!wanted)
      break;
    inner = &withoutGroup(scope.constants[symbol->index].decl->value);
  }
  return *inner;
}

} // namespace

const ast::Expr& namedTuple(Scope& scope, const ast::Expr& expr) {
  return named(scope, expr, &Constant::is_tuple);
}

const ast::Expr& namedQuantity(Scope& scope, const ast::Expr& expr) {
  return named(scope, expr, &Constant::is_quantity);
}

void checkConstants(Scope& scope) {
  for (uint32_t index = 0; index < scope.constants.size(); ++index)
    prepareConstant(scope, index);
}

} // namespace xdpc::sema
