// What an expression cannot exceed, by the widths of its fields alone. Tested in tests/unit/sema/bounds_test.cpp.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

// Of a number that is never negative, as a header's size; the largest uint64_t where no bound is seen.
uint64_t largestValue(const Policy& policy, const Expr& expr);

} // namespace xdpc::ir
