// Expressions: precedences are applied here, and the depth of the tree is bounded here. Tested by
// tests/unit/parse/expr_test.cpp.
#pragma once

#include "compiler/parse/input.h"

namespace xdpc::parse {

ast::Expr readExpr(Input& input, const Node& expression); // Kind::expression

} // namespace xdpc::parse
