// Maps from keys to values, fixed at compile time. Private to sema/; checkMapType and checkMap are in state.h.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

// The map of `names[ip.src]`: an index, which has a map's name.
std::optional<ir::MapId> indexedMap(const Scope& scope, const ast::Expr& expr);
// `names[ip.src]`: the value under the key, absent where the map has none.
Value checkMapValue(Env env, const ast::Expr& expr, ir::MapId id);
// Whether the map has the key: `ip.src in names`.
std::optional<std::vector<Value>> checkMapKey(Env env, const ast::Expr& key, ir::MapId id);

} // namespace xdpc::sema
