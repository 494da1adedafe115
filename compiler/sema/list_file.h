// Files of elements, `load "drop.txt"`: one a line, `#` starts a comment. Literals alone, so that a hundred thousand
// lines cost little. Private to sema/.
#pragma once

#include "compiler/sema/expr.h"

namespace xdpc::sema {

// Elements of sets. Several parts on a line are separated by commas, with or without parentheses.
RawSet loadElements(Env env, const ast::Expr& load);

// Lines of a map, `192.0.2.0/24,7`: the parts of the key, then the value.
struct RawPair {
  RawElement key;
  RawPart value;
};
struct RawPairs {
  bool ok = true;
  std::vector<RawPair> pairs;
};
RawPairs loadPairs(Env env, const ast::Expr& load, size_t key_parts);

// Of a list that is wrong as a whole, so many lines are reported.
inline constexpr size_t kMaxListErrors = 10;

} // namespace xdpc::sema
