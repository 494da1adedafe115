// Whether two expressions say the same, wherever they stand, and a number that is then the same. Tested by
// tests/packet/classifiers and tests/lit/warn.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

bool sameExpr(const Expr& left, const Expr& right);
uint64_t hashOf(const Expr& expr);

} // namespace xdpc::ir
