// Checks assignments: `ip.ttl = ip.ttl - 1`, `(eth.src, eth.dst) = (eth.dst, eth.src)`. What can be assigned follows
// from the headers' declarations. Tested by tests/lit/diag/assign.xf and tests/packet/rewrite.
#include "compiler/ir/print.h"
#include "compiler/sema/rule.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace xdpc::sema {

namespace {

std::vector<const ast::Expr*> partsOf(const ast::Expr& expr) {
  const ast::Expr& inner = withoutGroup(expr);
  if (inner.kind != ast::ExprKind::Tuple)
    return {&inner};
  std::vector<const ast::Expr*> parts;
  for (const ast::Expr& arg : inner.args)
    parts.push_back(&arg);
  return parts;
}

// ---- what can be assigned

bool overlap(const ir::Field& a, const ir::Field& b) {
  return a.bit_offset < b.bit_offset + b.bits && b.bit_offset < a.bit_offset + a.bits;
}

// A field of the header, or a part of it, occurs in the expression.
bool readsField(const ir::Policy& policy, const ir::Expr& expr, ir::HeaderId header, const ir::Field& field) {
  if (expr.kind == ir::ExprKind::Field && expr.header == header &&
      overlap(policy.headers[header].fields[expr.field], field))
    return true;
  return std::ranges::any_of(expr.args, [&](const ir::Expr& arg) { return readsField(policy, arg, header, field); });
}

// Why a change would make the header another one; empty if it would not. A port that selects what follows is a
// convention between hosts, and rewriting ports is what many policies are for.
std::string whyFixed(const ir::Policy& policy, ir::HeaderId id, const ir::Field& field) {
  const ir::Header& header = policy.headers[id];
  if (field.derived)
    return "is computed from other fields";
  if (header.size && readsField(policy, *header.size, id, field))
    return fmt::format("gives the size of `{}`", header.name);
  if (header.length && readsField(policy, *header.length, id, field))
    return fmt::format("gives the length of what `{}` holds", header.name);
  for (const ir::PayloadBy& payload : header.payload) {
    const bool selects = payload.by && overlap(header.fields[*payload.by], field);
    if (selects && !header.fields[*payload.by].type.port)
      return fmt::format("says what follows `{}`", header.name);
    if (payload.when && readsField(policy, *payload.when, id, field))
      return fmt::format("says whether a header follows `{}`", header.name);
  }
  return {};
}

bool refuse(Scope& scope, Span span, std::string message, std::string help = "") {
  scope.emitter.report(diag::Id::not_assignable, span, std::move(message)).help = std::move(help);
  return false;
}

bool checkField(Scope& scope, const ir::Expr& target) {
  const ir::Policy& policy = scope.policy;
  const ir::Header& header = policy.headers[target.header];
  const ir::Field& field = header.fields[target.field];
  if (header.kind != ir::HeaderKind::alternatives) {
    const std::string why = whyFixed(policy, target.header, field);
    return why.empty() || refuse(scope, target.span, fmt::format("{} {}", quoted(target.span), why));
  }
  const auto why_in = [&](size_t i) {
    return whyFixed(policy, header.alternatives[i],
                    policy.headers[header.alternatives[i]].fields[field.alternatives[i]]);
  };
  bool all = true;
  for (size_t i = 0; i < header.alternatives.size(); ++i)
    all &= !why_in(i).empty();
  for (size_t i = 0; i < header.alternatives.size(); ++i) {
    const ir::Header& one = policy.headers[header.alternatives[i]];
    const ir::Field& real = one.fields[field.alternatives[i]];
    if (const std::string why = why_in(i); !why.empty())
      return refuse(scope, target.span,
                    fmt::format("{} cannot be assigned: `{}.{}` {}", quoted(target.span), one.name, real.name, why),
                    all ? "" : fmt::format("name the header that is meant instead of `{}`", header.name));
  }
  return true;
}

const char* whatElse(const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Present:
    return "is a header, not a field of one";
  case ir::ExprKind::Packet:
    return "is known of the frame and stands nowhere in it";
  case ir::ExprKind::PayloadLength:
    return "is computed from other fields";
  default:
    return "is not a field of a header";
  }
}

std::optional<Value> checkTarget(Scope& scope, const ast::Expr& expr) {
  Value target = checkExpr({scope, {}}, expr);
  if (!target.ok)
    return std::nullopt;
  if (target.expr.kind != ir::ExprKind::Field) {
    refuse(scope, expr.span, fmt::format("{} {}", quoted(expr.span), whatElse(target.expr)));
    return std::nullopt;
  }
  return checkField(scope, target.expr) ? std::optional(std::move(target)) : std::nullopt;
}

// ---- what it can be set to

bool mismatch(Scope& scope, const ast::Expr& expr, const Value& value, const Value& target, std::string help = "") {
  const ast::Expr& inner = withoutGroup(expr);
  scope.emitter
      .report(diag::Id::type_mismatch, inner.span,
              fmt::format("{}, {} is {}", describe(inner, value), quoted(target.expr.span),
                          categoryName(category(target.expr.type))))
      .help = std::move(help);
  return false;
}

bool fitAddress(Scope& scope, const ast::Expr& expr, const Value& value, const Value& target) {
  const ir::TypeKind wanted = target.expr.type.kind, given = value.expr.type.kind;
  if (wanted == given)
    return true;
  const bool v4 = (wanted == ir::TypeKind::Ip ? given : wanted) == ir::TypeKind::Ipv4;
  const ir::Field& field = scope.policy.headers[target.expr.header].fields[target.expr.field];
  std::string help;
  if (wanted == ir::TypeKind::Ip)
    help = fmt::format("name the family: `{}.{} = …`", v4 ? "ipv4" : "ipv6", field.name);
  return mismatch(scope, expr, value, target, std::move(help));
}

// A computed number is cut to the field, as `ip.ttl - 1` is; one that never fits is a mistake.
bool fitNumber(Scope& scope, const ast::Expr& expr, Value& value, const Value& target) {
  if (value.constant)
    return fitConstant(scope, value, target, quoted(target.expr.span));
  const Wide high = *typeMax(target.expr.type);
  const bool computed = value.expr.kind == ir::ExprKind::Arith;
  if (computed ? value.low <= high && value.high >= 0 : value.high <= high)
    return true;
  const ast::Expr& inner = withoutGroup(expr);
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::out_of_range, inner.span,
      fmt::format("{} {} too large for {}", quoted(inner.span), computed ? "is" : "can be", quoted(target.expr.span)));
  error.label = fmt::format("it goes from 0 to {}", static_cast<uint64_t>(high));
  if (!computed)
    error.help = fmt::format("cut it: `{} & {:#x}`", inner.span.text().substr(0, 60), static_cast<uint64_t>(high));
  return false;
}

// One bit takes 0, 1 or a condition.
bool fitBit(Scope& scope, const ast::Expr& expr, Value& value, const Value& target) {
  if (category(value.expr.type) == Category::number) {
    if (!value.constant)
      return mismatch(scope, expr, value, target, "compare it: `… != 0`");
    if (!fitConstant(scope, value, target, quoted(target.expr.span)))
      return false;
    value = truth(value.low == 1, value.expr.span);
    return true;
  }
  return category(value.expr.type) == Category::boolean || mismatch(scope, expr, value, target);
}

bool fit(Scope& scope, const ast::Expr& expr, Value& value, const Value& target) {
  const Category wanted = category(target.expr.type), given = category(value.expr.type);
  if (wanted == Category::boolean)
    return fitBit(scope, expr, value, target);
  if (wanted != given)
    return mismatch(scope, expr, value, target);
  if (wanted == Category::address)
    return fitAddress(scope, expr, value, target);
  return wanted != Category::number || fitNumber(scope, expr, value, target);
}

// No two targets of a statement may be the same bits: which value would hold?
bool checkDistinct(Scope& scope, const std::vector<ir::Expr>& targets) {
  for (size_t i = 0; i < targets.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (targets[i].header == targets[j].header &&
          overlap(scope.policy.headers[targets[i].header].fields[targets[i].field],
                  scope.policy.headers[targets[j].header].fields[targets[j].field]))
        return refuse(scope, targets[i].span, fmt::format("{} is assigned twice", quoted(targets[i].span)));
  return true;
}

} // namespace

std::optional<ir::Action> checkAssign(Scope& scope, const ast::Statement& statement, std::vector<ir::Expr>& guards) {
  const auto targets = partsOf(statement.exprs[0]), values = partsOf(statement.exprs[1]);
  if (targets.size() != values.size()) {
    scope.emitter.report(diag::Id::type_mismatch, statement.span,
                         fmt::format("{} field{} and {} value{}", targets.size(), targets.size() == 1 ? "" : "s",
                                     values.size(), values.size() == 1 ? "" : "s"));
    return std::nullopt;
  }
  ir::Action action{.kind = ir::ActionKind::Assign};
  HeaderSet needs;
  bool ok = true;
  for (size_t i = 0; i < targets.size(); ++i) {
    auto target = checkTarget(scope, *targets[i]);
    Value value = checkExpr({scope, {}}, *values[i]);
    if (!target || !value.ok || !fit(scope, *values[i], value, *target)) {
      ok = false;
      continue;
    }
    needs.insert(target->needs);
    needs.insert(value.needs);
    std::ranges::copy_if(value.guards, std::back_inserter(guards),
                         [](const ir::Expr& guard) { return guard.kind == ir::ExprKind::MapHas; });
    action.targets.push_back(std::move(target->expr));
    action.key.push_back(std::move(value.expr));
  }
  if (!ok || !checkDistinct(scope, action.targets))
    return std::nullopt;
  action.needs.assign(needs.begin(), needs.end());
  return action;
}

} // namespace xdpc::sema
