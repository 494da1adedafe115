// An expression while it is checked: its typed form, and what the checker knows of it beyond its type.
#pragma once

#include "compiler/ir/header_set.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::sema {

using ir::HeaderSet;
using Wide = __int128; // holds every unsigned and signed 64-bit number

// A `!=` or `not in` that is false for packets without the header, a map's key or bytes of a payload: a warning, unless
// the conjunction around it requires them.
struct MaybeAbsent {
  Span span;
  HeaderSet needs;
  std::vector<ir::Expr> guards;
  bool negated = false; // stands right behind `not`
};

struct Value {
  bool ok = true;        // false: an error was reported; whatever uses the value stays silent
  bool constant = false; // a number, address, MAC or truth that is known now
  bool masked = false;   // an address behind /N
  ir::Expr expr;
  Wide low = 0, high = 0;               // of an Int: bounds of its value
  HeaderSet needs;                      // headers that must be present where the value is read
  std::vector<ir::Expr> guards;         // what else must hold there: HasBytes, MapHas
  HeaderSet certain;                    // of a condition: headers that are present where it holds
  std::vector<ir::Expr> certain_guards; // and what else holds there: HasBytes, MapHas
  std::vector<MaybeAbsent> maybe_absent;
  uint32_t nodes = 1, depth = 1; // of expr
};

inline Value failed() {
  Value value;
  value.ok = false;
  return value;
}

} // namespace xdpc::sema
