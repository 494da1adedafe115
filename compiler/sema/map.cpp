// Checks maps and the values that are read from them. Tested by tests/unit/sema/map_test.cpp.
#include "compiler/sema/map.h"
#include "compiler/sema/const_set.h"
#include "compiler/sema/key.h"
#include "compiler/sema/map_entries.h"
#include "compiler/sema/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

// `ip` is no type of a value: which family it is would be known only when a packet comes.
std::optional<ir::Type> valueType(Scope& scope, const ast::MapDecl& decl) {
  static const std::vector<std::string> kinds = {"ipv4", "ipv6", "mac", "port", "u8", "u16", "u32", "u64"};
  if (decl.value.size() != 1) {
    scope.emitter.report(diag::Id::bad_element, decl.span,
                         fmt::format("`{}` gives several values, one is possible", decl.name.text));
    return std::nullopt;
  }
  const ast::Name& name = decl.value[0];
  if (std::ranges::count(kinds, name.text))
    return typeOfKind(*abi::keyKindByName(name.text));
  diag::Diagnostic& error = scope.emitter.report(diag::Id::unknown_name, name.span,
                                                 fmt::format("`{}` is no type of a map's values", name.text));
  const auto near = diag::nearest(name.text, kinds);
  error.help = name.text == "ip" ? "name the family: `ipv4` or `ipv6`"
               : near            ? fmt::format("did you mean `{}`", *near)
                                 : "there are `ipv4`, `ipv6`, `mac`, `port`, `u8`, `u16`, `u32` and `u64`";
  return std::nullopt;
}

RawPairs literalPairs(Scope& scope, const ast::Expr& literal) {
  RawPairs out;
  for (const ast::Expr& pair : literal.args) {
    if (pair.kind != ast::ExprKind::Pair) {
      scope.emitter.report(diag::Id::bad_element, pair.span, fmt::format("{} has no value", quoted(pair.span))).help =
          fmt::format("write `{} => value`", pair.span.text().substr(0, 40));
      out.ok = false;
      continue;
    }
    auto key = collectElement({scope, {}}, pair.args[0]);
    auto value = collectElement({scope, {}}, pair.args[1]);
    if (value && value->size() != 1) {
      scope.emitter.report(diag::Id::bad_element, pair.args[1].span, "a map has one value for a key");
      value.reset();
    }
    out.ok &= key.has_value() && value.has_value();
    if (key && value)
      out.pairs.push_back({std::move(*key), std::move((*value)[0])});
  }
  return out;
}

void boundValue(const ir::Map& map, Value& value) {
  if (map.value.kind != ir::TypeKind::Int)
    return;
  for (const ir::MapEntry& entry : map.entries) {
    const bool first = &entry == &map.entries.front();
    value.low = first ? Wide{entry.number} : std::min<Wide>(value.low, entry.number);
    value.high = first ? Wide{entry.number} : std::max<Wide>(value.high, entry.number);
  }
}

} // namespace

void checkMapType(Scope& scope, const ast::MapDecl& decl, ir::MapId id) {
  ir::Map& map = scope.policy.maps[id];
  const auto value = valueType(scope, decl);
  const auto key = checkKeyType(scope, decl.key, decl.name);
  if (!key || !value)
    return;
  map.key = *key;
  map.value = *value;
}

void checkMap(Scope& scope, const ast::MapDecl& decl, ir::MapId id) {
  if (scope.policy.maps[id].key.parts.empty())
    return;
  if (!decl.initial) {
    scope.emitter.report(diag::Id::bad_clause, decl.span, fmt::format("`{}` has no contents", decl.name.text)).help =
        "write `= { key => value, … }` or `= load \"file\"`";
    return;
  }
  const ast::Expr& initial = withoutGroup(*decl.initial);
  ir::Map map = scope.policy.maps[id];
  RawPairs pairs;
  if (initial.kind == ast::ExprKind::Load) {
    pairs = loadPairs({scope, {}}, initial, map.key.parts.size());
  } else if (initial.kind == ast::ExprKind::Set) {
    pairs = literalPairs(scope, initial);
  } else {
    scope.emitter.report(diag::Id::wrong_kind, initial.span, fmt::format("{} is no map", quoted(initial.span))).help =
        "write `{ key => value, … }` or `load \"file\"`";
    return;
  }
  fillMap(scope, pairs.pairs, map); // what else is wrong, too
  scope.policy.maps[id] = std::move(map);
}

std::optional<ir::MapId> indexedMap(const Scope& scope, const ast::Expr& expr) {
  if (expr.kind != ast::ExprKind::Index || expr.args[0].kind != ast::ExprKind::Name)
    return std::nullopt;
  const Symbol* symbol = lookUp(scope, expr.args[0].text);
  return symbol && symbol->kind == SymbolKind::Map ? std::optional(symbol->index) : std::nullopt;
}

std::optional<std::vector<Value>> checkMapKey(Env env, const ast::Expr& key, ir::MapId id) {
  ir::Map& map = env.scope.policy.maps[id];
  map.used = true;
  // A map's key is looked up as a set's element is.
  ir::Set like{.name = map.name, .key = map.key};
  return checkSetKey(env, key, like, KeyUse::lookup);
}

Value checkMapValue(Env env, const ast::Expr& expr, ir::MapId id) {
  auto keys = checkMapKey(env, expr.args[1], id);
  if (!keys)
    return failed();
  const ir::Map& map = env.scope.policy.maps[id];
  Value value;
  value.expr.kind = ir::ExprKind::MapValue;
  value.expr.type = map.value;
  value.expr.span = expr.span;
  value.expr.id = id;
  for (Value& key : *keys) {
    addParts(value, key);
    value.expr.args.push_back(std::move(key.expr));
  }
  if (const auto high = typeMax(map.value))
    value.high = *high;
  boundValue(map, value);
  ir::Expr has = value.expr;
  has.kind = ir::ExprKind::MapHas;
  has.type = {ir::TypeKind::Bool};
  value.nodes *= 2;
  value.guards.push_back(std::move(has));
  return value;
}

} // namespace xdpc::sema
