// Removes what nothing refers to. Private to sema/.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::sema {

// Constant sets of conditions that no rule uses, such as `nd` of the standard library, need no table.
void pruneConstSets(ir::Policy& policy);

} // namespace xdpc::sema
