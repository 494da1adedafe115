// Checks expressions: which construct goes where, conditions, and what all of them share. Tested by
// tests/unit/sema/expr_test.cpp.
#include "compiler/sema/expr.h"
#include "compiler/ir/print.h"
#include "compiler/sema/header_graph.h"
#include "compiler/sema/map.h"
#include "compiler/sema/payload.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace xdpc::sema {

namespace {

ir::Expr logic(ir::ExprKind kind, std::vector<ir::Expr> args, Span span) {
  ir::Expr expr;
  expr.kind = kind;
  expr.type = {ir::TypeKind::Bool};
  expr.span = span;
  expr.args = std::move(args);
  return expr;
}

// `a and b and c` comes nested to the left, maybe thousands deep: taken apart without recursion.
std::vector<const ast::Expr*> row(const ast::Expr& expr) {
  std::vector<const ast::Expr*> operands;
  const ast::Expr* rest = &expr;
  for (; rest->kind == ast::ExprKind::Binary && rest->op == expr.op; rest = &rest->args[0])
    operands.push_back(&rest->args[1]);
  operands.push_back(rest);
  std::reverse(operands.begin(), operands.end());
  return operands;
}

HeaderSet certainOf(const Scope& scope, const std::vector<Value>& values, bool all) {
  HeaderSet certain;
  for (size_t i = 0; i < values.size(); ++i) {
    if (all) {
      certain.insert(values[i].certain);
      continue;
    }
    const HeaderSet one = withImplied(scope, values[i].certain);
    if (i == 0)
      certain = one;
    else
      certain.keepCommon(one);
  }
  return certain;
}

bool isElement(const ast::Expr& expr) {
  using enum ast::ExprKind;
  const ast::ExprKind kind = withoutGroup(expr).kind;
  return kind == Number || kind == Address || kind == Mac || kind == Prefix || kind == Range || kind == Bytes;
}

// `tcp.dport == 80 or 443`: several values stand in a set. Says so once, at the first one.
bool reportBareValue(Env env, const std::vector<const ast::Expr*>& operands, size_t at) {
  if (at == 0 || !isElement(*operands[at]))
    return false;
  const ast::Expr& before = withoutGroup(*operands[at - 1]);
  if (isElement(before)) // it follows from the one before
    return true;
  const bool compares = before.kind == ast::ExprKind::Binary &&
                        (before.op == ast::Op::Eq || (before.op == ast::Op::In && isElement(before.args[1])));
  if (!compares)
    return false;
  std::string all(before.args[1].span.text());
  for (size_t i = at; i < operands.size() && isElement(*operands[i]); ++i)
    all += fmt::format(", {}", operands[i]->span.text());
  env.scope.emitter
      .report(diag::Id::not_a_condition, operands[at]->span,
              fmt::format("{} is no condition", quoted(operands[at]->span)))
      .help = fmt::format("several values stand in a set: `{} in {{ {} }}`", before.args[0].span.text().substr(0, 60),
                          all.substr(0, 100));
  return true;
}

Value checkRow(Env env, const ast::Expr& expr) {
  const bool all = expr.op == ast::Op::And;
  const std::vector<const ast::Expr*> operands = row(expr);
  std::vector<Value> values;
  values.reserve(operands.size());
  bool ok = true;
  for (size_t at = 0; at < operands.size(); ++at) {
    if (!all && reportBareValue(env, operands, at)) {
      ok = false;
      continue;
    }
    values.push_back(checkCondition(env, *operands[at]));
    ok &= values.back().ok;
  }
  if (!ok)
    return failed();
  if (all)
    settle(env.scope, values);
  Value result;
  result.certain = certainOf(env.scope, values, all);
  std::vector<ir::Expr> args;
  args.reserve(values.size());
  for (Value& value : values) {
    addParts(result, value);
    if (all)
      std::ranges::move(value.certain_guards, std::back_inserter(result.certain_guards));
    args.push_back(std::move(value.expr));
  }
  result.expr = logic(all ? ir::ExprKind::And : ir::ExprKind::Or, std::move(args), expr.span);
  return result;
}

Value checkNot(Env env, const ast::Expr& expr) {
  Value inner = checkCondition(env, expr.args[0]);
  if (!inner.ok)
    return inner;
  for (MaybeAbsent& warning : inner.maybe_absent)
    warning.negated |= warning.span.begin == expr.args[0].span.begin && warning.span.end == expr.args[0].span.end;
  Value result;
  addParts(result, inner);
  std::vector<ir::Expr> args;
  args.push_back(std::move(inner.expr));
  result.expr = logic(ir::ExprKind::Not, std::move(args), expr.span);
  return result;
}

Value checkNumber(Env env, const ast::Expr& expr) {
  if (expr.dimension == ast::Dimension::none || expr.dimension == ast::Dimension::bytes)
    return number(static_cast<Wide>(expr.number), expr.span);
  env.scope.emitter.report(diag::Id::wrong_unit, expr.span,
                           fmt::format("{} has a unit of time or rate, where a number is needed", quoted(expr.span)));
  return failed();
}

Value checkAddress(const ast::Expr& expr) {
  Value value;
  value.constant = true;
  value.expr.kind = ir::ExprKind::Address;
  value.expr.address = expr.prefix->address;
  value.expr.type = {expr.prefix->address.family == abi::Family::v4 ? ir::TypeKind::Ipv4 : ir::TypeKind::Ipv6};
  value.expr.span = expr.span;
  return value;
}

Value checkMac(const ast::Expr& expr) {
  Value value;
  value.constant = true;
  value.expr.kind = ir::ExprKind::Mac;
  value.expr.type = {ir::TypeKind::Mac};
  value.expr.span = expr.span;
  value.expr.number = expr.number;
  return value;
}

Value notAValue(Env env, const ast::Expr& expr, const char* what) {
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::not_a_value, expr.span, fmt::format("{} is {}", quoted(expr.span), what));
  error.help = "it stands behind `in` or in the `{ }` of a set";
  return failed();
}

Value checkBinary(Env env, const ast::Expr& expr) {
  switch (expr.op) {
  case ast::Op::And:
  case ast::Op::Or:
    return checkRow(env, expr);
  case ast::Op::In:
  case ast::Op::NotIn:
    return checkMembership(env, expr);
  case ast::Op::Eq:
  case ast::Op::Ne:
  case ast::Op::Lt:
  case ast::Op::Le:
  case ast::Op::Gt:
  case ast::Op::Ge:
    return checkCompare(env, expr);
  default:
    return checkArithmetic(env, expr);
  }
}

Value dispatch(Env env, const ast::Expr& expr) {
  using enum ast::ExprKind;
  switch (expr.kind) {
  case Number:
    return checkNumber(env, expr);
  case Address:
    return checkAddress(expr);
  case Mac:
    return checkMac(expr);
  case Name:
    return checkName(env, expr);
  case Member:
    return checkMember(env, expr);
  case Call:
    return checkCall(env, expr);
  case Mask:
    return checkMask(env, expr);
  case Negate:
    return checkNegate(env, expr);
  case Not:
    return checkNot(env, expr);
  case Binary:
    return checkBinary(env, expr);
  case Tuple:
    return expr.args.size() == 1 ? checkExpr(env, expr.args[0]) : notAValue(env, expr, "a tuple");
  case Prefix:
    return notAValue(env, expr, "a prefix");
  case Range:
    return notAValue(env, expr, "a range");
  case Set:
    return notAValue(env, expr, "a set");
  case Pair:
    return notAValue(env, expr, "a pair of a map");
  case Bytes:
    return checkBytes(env, expr);
  case Index:
    return checkIndex(env, expr);
  case Slice:
    return checkSlice(env, expr);
  case Contains:
    return checkContains(env, expr);
  case StartsWith:
    return checkStartsWith(env, expr);
  case Load:
    return notAValue(env, expr, "a list");
  }
  return failed();
}

bool tooDeep(Env env, Span span) {
  if (std::exchange(env.scope.too_deep, true))
    return true;
  env.scope.emitter.report(diag::Id::too_deep, span,
                           fmt::format("an expression is nested more than {} deep", kMaxDepth));
  return true;
}

} // namespace

Value checkExpr(Env env, const ast::Expr& expr) {
  if (env.scope.depth >= kMaxDepth && tooDeep(env, expr.span))
    return failed();
  ++env.scope.depth;
  const auto map = indexedMap(env.scope, expr);
  Value value = map ? checkMapValue(env, expr, *map) : dispatch(env, expr);
  --env.scope.depth;
  if (value.ok && value.depth > kMaxDepth && tooDeep(env, expr.span))
    return failed();
  return value;
}

Value checkCondition(Env env, const ast::Expr& expr) {
  return asCondition(env, checkExpr(env, expr), withoutGroup(expr).span);
}

std::optional<ir::Expr> checkWholeCondition(Env env, const ast::Expr& expr) {
  Value value = checkCondition(env, expr);
  if (!value.ok)
    return std::nullopt;
  for (const MaybeAbsent& warning : value.maybe_absent)
    if (env.scope.warned_absent.try_emplace({warning.span.file, warning.span.begin}, true).second)
      reportMaybeAbsent(env.scope, warning);
  return std::move(value.expr);
}

std::optional<Wide> checkConstantNumber(Env env, const ast::Expr& expr, Wide low, Wide high, std::string_view what) {
  const Value value = checkExpr(env, expr);
  if (!value.ok)
    return std::nullopt;
  if (category(value.expr.type) != Category::number) {
    env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                             fmt::format("{}, and no number", describe(expr, value)));
    return std::nullopt;
  }
  if (!value.constant) {
    env.scope.emitter.report(diag::Id::not_constant, expr.span, fmt::format("{} has to be a constant", what));
    return std::nullopt;
  }
  if (value.low < low || value.low > high) {
    env.scope.emitter.report(diag::Id::out_of_range, expr.span,
                             fmt::format("{} is out of range: {} goes from {} to {}", quoted(expr.span), what,
                                         static_cast<int64_t>(low), static_cast<uint64_t>(high)));
    return std::nullopt;
  }
  return value.low;
}

Value asCondition(Env env, Value value, Span span) {
  if (!value.ok)
    return value;
  if (value.expr.type.kind != ir::TypeKind::Bool) {
    diag::Diagnostic& error = env.scope.emitter.report(
        diag::Id::not_a_condition, span,
        fmt::format("{} is {}, not a condition", quoted(span), categoryName(category(value.expr.type))));
    if (category(value.expr.type) == Category::number)
      error.help = fmt::format("compare it: `{} != 0`", span.text().substr(0, 60));
    return failed();
  }
  if (value.needs.empty())
    return value;
  ir::Expr expr = std::move(value.expr);
  return atom(env, std::move(value), std::move(expr));
}

Value truth(bool value, Span span) {
  Value result;
  result.constant = true;
  result.expr.kind = ir::ExprKind::Bool;
  result.expr.type = {ir::TypeKind::Bool};
  result.expr.number = value;
  result.expr.span = span;
  return result;
}

Value number(Wide value, Span span) {
  Value result;
  result.constant = true;
  result.low = result.high = value;
  result.expr.kind = ir::ExprKind::Int;
  result.expr.type = {ir::TypeKind::Int, 64};
  result.expr.number = static_cast<uint64_t>(value);
  result.expr.span = span;
  return result;
}

const ast::Expr& withoutGroup(const ast::Expr& expr) {
  const ast::Expr* inner = &expr;
  while (inner->kind == ast::ExprKind::Tuple && inner->args.size() == 1)
    inner = &inner->args[0];
  return *inner;
}

void addParts(Value& whole, const Value& part) {
  whole.needs.insert(part.needs);
  for (const ir::Expr& guard : part.guards)
    addGuard(whole, guard);
  whole.maybe_absent.insert(whole.maybe_absent.end(), part.maybe_absent.begin(), part.maybe_absent.end());
  whole.nodes += part.nodes;
  whole.depth = std::max(whole.depth, part.depth + 1);
}

ir::Expr present(ir::HeaderId header, Span span) {
  ir::Expr expr;
  expr.kind = ir::ExprKind::Present;
  expr.type = {ir::TypeKind::Bool};
  expr.header = header;
  expr.span = span;
  return expr;
}

Value atom(Env, Value operands, ir::Expr expr) {
  Value result = std::move(operands);
  result.ok = true;
  result.constant = result.masked = false;
  result.certain = result.needs;
  result.certain_guards = result.guards;
  if (expr.kind == ir::ExprKind::MapHas)
    result.certain_guards.push_back(expr);
  if (result.needs.empty() && result.guards.empty()) {
    result.expr = std::move(expr);
    return result;
  }
  const Span span = expr.span;
  std::vector<ir::Expr> args;
  args.reserve(result.needs.size() + result.guards.size() + 1);
  for (ir::HeaderId id : result.needs)
    args.push_back(present(id, span));
  std::move(result.guards.begin(), result.guards.end(), std::back_inserter(args));
  result.guards.clear();
  args.push_back(std::move(expr));
  result.nodes += static_cast<uint32_t>(args.size());
  ++result.depth;
  result.needs.clear();
  result.expr = logic(ir::ExprKind::And, std::move(args), span);
  return result;
}

} // namespace xdpc::sema
