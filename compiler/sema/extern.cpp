// C functions: their declarations and their calls. What the C file says is compared later, by compiler/extern_c. Tested
// by tests/lit/diag/extern.test and tests/packet/extern.
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"
#include "compiler/sema/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr unsigned kArgumentBits = 256; // of all arguments: what four registers hold

bool isPayload(const ir::Type& type) {
  return type.kind == ir::TypeKind::Bytes;
}

bool isWhole(const ir::Type& type) { // u8, u16, u32, u64
  return type.kind == ir::TypeKind::Int && (type.bits == 8 || type.bits == 16 || type.bits == 32 || type.bits == 64);
}

std::optional<ir::Type> parameterType(std::string_view name) {
  if (name == "payload")
    return ir::Type{ir::TypeKind::Bytes};
  if (name == "bool")
    return ir::Type{ir::TypeKind::Bool};
  const auto type = typeByName(name);
  if (!type || (type->kind == ir::TypeKind::Int && !isWhole(*type)) || type->kind == ir::TypeKind::Bool)
    return std::nullopt;
  return type;
}

diag::Diagnostic& badType(Scope& scope, const ast::Name& name, const char* what) {
  return scope.emitter.report(diag::Id::bad_extern, name.span, fmt::format("`{}` is no type of a {}", name.text, what));
}

std::optional<ir::Type> checkParameter(Scope& scope, const ast::Name& name) {
  const auto type = parameterType(name.text);
  if (!type)
    badType(scope, name, "C function's parameter").help =
        name.text == "ip" ? "name the family: `ipv4` or `ipv6`"
                          : "there are `payload`, `bool`, `u8`, `u16`, `u32`, `u64`, `port`, `mac`, `ipv4` and `ipv6`";
  return type;
}

std::optional<ir::Type> checkResult(Scope& scope, const ast::Name& name) {
  const auto type = parameterType(name.text);
  if (type && (type->kind == ir::TypeKind::Bool || (isWhole(*type) && !type->port)))
    return type;
  badType(scope, name, "C function's result").help = "there are `bool`, `u8`, `u16`, `u32` and `u64`";
  return std::nullopt;
}

// The bits that the type takes among the arguments: a payload is its place and its length.
unsigned bitsOf(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bytes:
    return 32;
  case ir::TypeKind::Bool:
    return 8;
  case ir::TypeKind::Ipv4:
    return 32;
  case ir::TypeKind::Ipv6:
    return 128;
  case ir::TypeKind::Mac:
    return 64;
  default:
    return type.bits;
  }
}

std::string_view nameOf(const ir::Type& type) {
  static const char* const numbers[] = {"u8", "u16", "u32", "u64"};
  switch (type.kind) {
  case ir::TypeKind::Bytes:
    return "payload";
  case ir::TypeKind::Bool:
    return "bool";
  case ir::TypeKind::Ipv4:
    return "ipv4";
  case ir::TypeKind::Ipv6:
    return "ipv6";
  case ir::TypeKind::Mac:
    return "mac";
  default:
    return type.port ? "port" : numbers[type.bits == 8 ? 0 : type.bits == 16 ? 1 : type.bits == 32 ? 2 : 3];
  }
}

bool fitsNumber(Env env, const ast::Expr& expr, const Value& value, const ir::Type& wanted) {
  const Wide high = (Wide{1} << wanted.bits) - 1;
  if (value.low >= 0 && value.high <= high)
    return true;
  const bool is_constant = value.constant;
  env.scope.emitter.report(diag::Id::out_of_range, withoutGroup(expr).span,
                           fmt::format("{} {} fit `{}`", quoted(withoutGroup(expr).span),
                                       is_constant ? "does not" : "need not", nameOf(wanted)));
  return false;
}

bool fitsParameter(Env env, const ast::Expr& expr, const Value& value, const ir::Type& wanted) {
  if (wanted.kind == ir::TypeKind::Int && category(value.expr.type) == Category::number)
    return fitsNumber(env, expr, value, wanted);
  const bool payload = value.expr.kind == ir::ExprKind::Payload;
  if (isPayload(wanted) ? payload : value.expr.type.kind == wanted.kind)
    return true;
  diag::Diagnostic& error = env.scope.emitter.report(
      diag::Id::type_mismatch, withoutGroup(expr).span,
      payload ? fmt::format("{} is a payload; here a `{}` is passed", quoted(withoutGroup(expr).span), nameOf(wanted))
              : fmt::format("{}; here a `{}` is passed", describe(expr, value), nameOf(wanted)));
  if (isPayload(wanted))
    error.help = "a payload is passed as a whole: `payload`, `udp.payload`";
  else if (value.expr.type.kind == ir::TypeKind::Ip)
    error.help = "`ip` is of either family: pass `ipv4.src` or `ipv6.src`";
  return false;
}

} // namespace

void checkExtern(Scope& scope, const ast::ExternDecl& decl, ir::ExternId id) {
  ir::Extern& made = scope.policy.externs[id];
  made.path = decl.path;
  if (typeByName(decl.name.text) || decl.name.text == "last")
    scope.emitter.report(diag::Id::bad_extern, decl.name.span,
                         fmt::format("`{}` is a function already", decl.name.text));
  if (decl.path.empty())
    scope.emitter.report(diag::Id::bad_extern, decl.path_span, "the C file has no name");
  unsigned bits = 0;
  for (const ast::Name& name : decl.parameters) {
    const auto type = checkParameter(scope, name);
    made.parameters.push_back(type.value_or(ir::Type{ir::TypeKind::Bool}));
    bits += bitsOf(made.parameters.back());
  }
  if (bits > kArgumentBits)
    scope.emitter.report(diag::Id::bad_extern, join(decl.parameters.front().span, decl.parameters.back().span),
                         fmt::format("the arguments have {} bits, the bound is {}", bits, kArgumentBits));
  made.result = checkResult(scope, decl.result).value_or(ir::Type{ir::TypeKind::Bool});
}

// Absent where an argument is.
Value checkExternCall(Env env, const ast::Expr& expr, ir::ExternId id) {
  if (env.own) {
    env.scope.emitter.report(diag::Id::bad_header, expr.span, "a header's declaration calls no C functions");
    return failed();
  }
  ir::Extern& callee = env.scope.policy.externs[id];
  callee.used = true;
  if (expr.args.size() != callee.parameters.size()) {
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                                 fmt::format("`{}` takes {} argument{}, here {} {}", callee.name,
                                             callee.parameters.size(), callee.parameters.size() == 1 ? "" : "s",
                                             expr.args.size(), expr.args.size() == 1 ? "is passed" : "are passed"));
    error.notes.push_back({callee.span, "it is declared here"});
    return failed();
  }
  Value result;
  result.expr.kind = ir::ExprKind::ExternCall;
  result.expr.id = id;
  result.expr.type = callee.result;
  result.expr.span = expr.span;
  bool ok = true;
  for (size_t i = 0; i < expr.args.size(); ++i) {
    Value argument = checkExpr(env, expr.args[i]);
    ok &= argument.ok && fitsParameter(env, expr.args[i], argument, env.scope.policy.externs[id].parameters[i]);
    if (!ok)
      continue;
    addParts(result, argument);
    result.expr.args.push_back(std::move(argument.expr));
  }
  if (!ok)
    return failed();
  if (result.expr.type.kind == ir::TypeKind::Int) {
    result.high = (Wide{1} << result.expr.type.bits) - 1;
    return result;
  }
  ir::Expr call = result.expr;
  return atom(env, std::move(result), std::move(call));
}

} // namespace xdpc::sema
