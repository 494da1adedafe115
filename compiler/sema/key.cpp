// Checks keys that are read from a packet. Written elements are in element.cpp. Tested by
// tests/unit/sema/state_test.cpp.
#include "compiler/sema/key.h"
#include "compiler/ir/print.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

constexpr unsigned kMaxKeyBytes = 128;

abi::KeyKind numberKind(const Value& value) {
  const ir::Type& type = value.expr.type;
  if (type.port)
    return abi::KeyKind::Port;
  if (type.bits <= 8)
    return abi::KeyKind::U8;
  if (type.bits <= 16)
    return abi::KeyKind::U16;
  return type.bits <= 32 ? abi::KeyKind::U32 : abi::KeyKind::U64;
}

bool mismatch(Scope& scope, const ast::Expr& expr, const Value& value, const ir::Set& set, abi::KeyKind kind,
              std::string help) {
  scope.emitter
      .report(diag::Id::type_mismatch, withoutGroup(expr).span,
              fmt::format("{}, an element of `{}` is {}", describe(expr, value), set.name, kindText(kind)))
      .help = std::move(help);
  return false;
}

// `ip` values do not fit a set of one family: half of the packets would have no element.
bool familyFits(ir::TypeKind wanted, ir::TypeKind given) {
  return wanted == ir::TypeKind::Ip || wanted == given;
}

std::string nameFamily(const ast::Expr& expr, ir::TypeKind wanted) {
  const char* family = wanted == ir::TypeKind::Ipv4 ? "ipv4" : "ipv6";
  const std::string_view text = withoutGroup(expr).span.text().substr(0, 60);
  return fmt::format("name the family: `{}{}`", family, text.starts_with("ip.") ? text.substr(2) : ".src");
}

bool fitAddress(Scope& scope, const ast::Expr& expr, const Value& value, const ir::Set& set, abi::KeyKind kind,
                KeyUse use) {
  if (!familyFits(typeOfKind(kind).kind, value.expr.type.kind))
    return mismatch(scope, expr, value, set, kind,
                    value.expr.type.kind == ir::TypeKind::Ip ? nameFamily(expr, typeOfKind(kind).kind) : "");
  if (value.masked && use == KeyUse::lookup)
    return mismatch(scope, expr, value, set, kind, "look up the address itself, without the mask");
  if (value.masked && !abi::isPrefix(kind))
    return mismatch(scope, expr, value, set, kind, "a masked address is an element of a set of prefixes");
  return true;
}

bool fitSetPart(Scope& scope, const ast::Expr& expr, Value& value, const ir::Set& set, abi::KeyKind kind, KeyUse use) {
  const ir::Type wanted = typeOfKind(kind);
  if (category(value.expr.type) != category(wanted))
    return mismatch(scope, expr, value, set, kind, "");
  if (category(wanted) == Category::address)
    return fitAddress(scope, expr, value, set, kind, use);
  if (category(wanted) != Category::number)
    return true;
  if (value.low < 0 || value.high > *typeMax(wanted)) {
    scope.emitter.report(diag::Id::out_of_range, withoutGroup(expr).span,
                         fmt::format("{} can be too large for `{}`, whose elements are `{}`",
                                     quoted(withoutGroup(expr).span), set.name, abi::keyKindName(kind)));
    return false;
  }
  if (value.constant)
    value.expr.type = wanted;
  return true;
}

bool addKeyPart(Env env, const ast::Expr& expr, Key& key) {
  const Value value = checkExpr(env, expr);
  if (!value.ok)
    return false;
  const auto kind = keyKind(value);
  if (!kind || value.constant) {
    env.scope.emitter.report(diag::Id::type_mismatch, expr.span,
                             fmt::format("{}; a key is made of a packet's fields", describe(expr, value)));
    return false;
  }
  key.type.parts.push_back(*kind);
  key.needs.insert(value.needs);
  key.parts.push_back(value.expr);
  return true;
}

} // namespace

std::string kindText(abi::KeyKind kind) {
  const std::string_view name = abi::keyKindName(kind);
  return fmt::format("{} `{}`", name.starts_with('i') ? "an" : "a", name);
}

ir::Type typeOfKind(abi::KeyKind kind) {
  using enum abi::KeyKind;
  switch (kind) {
  case Ip:
  case IpPrefix:
    return {ir::TypeKind::Ip};
  case Ipv4:
  case Ipv4Prefix:
    return {ir::TypeKind::Ipv4};
  case Ipv6:
  case Ipv6Prefix:
    return {ir::TypeKind::Ipv6};
  case Mac:
    return {ir::TypeKind::Mac};
  case Bool:
    return {ir::TypeKind::Bool};
  case Port:
    return {ir::TypeKind::Int, 16, true};
  case U8:
    return {ir::TypeKind::Int, 8};
  case U16:
    return {ir::TypeKind::Int, 16};
  case U32:
    return {ir::TypeKind::Int, 32};
  case U64:
    return {ir::TypeKind::Int, 64};
  }
  return {};
}

std::optional<abi::KeyKind> keyKind(const Value& value) {
  switch (value.expr.type.kind) {
  case ir::TypeKind::Bool:
    if (value.expr.kind != ir::ExprKind::Field && value.expr.kind != ir::ExprKind::Packet)
      return std::nullopt;
    return abi::KeyKind::Bool;
  case ir::TypeKind::Int:
    return numberKind(value);
  case ir::TypeKind::Ip:
    return value.masked ? abi::KeyKind::IpPrefix : abi::KeyKind::Ip;
  case ir::TypeKind::Ipv4:
    return value.masked ? abi::KeyKind::Ipv4Prefix : abi::KeyKind::Ipv4;
  case ir::TypeKind::Ipv6:
    return value.masked ? abi::KeyKind::Ipv6Prefix : abi::KeyKind::Ipv6;
  case ir::TypeKind::Mac:
    return abi::KeyKind::Mac;
  default:
    return std::nullopt;
  }
}

std::optional<Key> checkKey(Env env, const std::vector<ast::Expr>& exprs) {
  Key key;
  bool ok = true;
  for (const ast::Expr& expr : exprs) {
    const ast::Expr& inner = namedTuple(env.scope, expr);
    if (inner.kind != ast::ExprKind::Tuple)
      ok &= addKeyPart(env, inner, key);
    else
      for (const ast::Expr& part : inner.args)
        ok &= addKeyPart(env, part, key);
  }
  if (ok && abi::keySize(key.type) > kMaxKeyBytes) {
    env.scope.emitter.report(
        diag::Id::too_large, join(exprs.front().span, exprs.back().span),
        fmt::format("a key of {} bytes is beyond the bound of {}", abi::keySize(key.type), kMaxKeyBytes));
    return std::nullopt;
  }
  return ok ? std::optional(std::move(key)) : std::nullopt;
}

std::optional<std::vector<Value>> checkSetKey(Env env, const ast::Expr& expr, const ir::Set& set, KeyUse use) {
  const ast::Expr& inner = namedTuple(env.scope, expr);
  std::vector<const ast::Expr*> parts;
  if (inner.kind == ast::ExprKind::Tuple)
    for (const ast::Expr& part : inner.args)
      parts.push_back(&part);
  else
    parts.push_back(&inner);
  std::vector<Value> values;
  bool ok = true;
  for (const ast::Expr* part : parts) {
    values.push_back(checkExpr(env, *part));
    ok &= values.back().ok;
  }
  if (!ok || set.key.parts.empty())
    return std::nullopt;
  if (parts.size() != set.key.parts.size()) {
    env.scope.emitter.report(diag::Id::bad_element, inner.span,
                             fmt::format("an element of `{}` is {}: {} part{}, not {}", set.name,
                                         abi::keyTypeName(set.key), set.key.parts.size(),
                                         set.key.parts.size() == 1 ? "" : "s", parts.size()));
    return std::nullopt;
  }
  for (size_t i = 0; i < parts.size(); ++i)
    ok &= fitSetPart(env.scope, *parts[i], values[i], set, set.key.parts[i], use);
  return ok ? std::optional(std::move(values)) : std::nullopt;
}

} // namespace xdpc::sema
