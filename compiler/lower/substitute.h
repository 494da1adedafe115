// Takes the place of functions that were prepared (prepared.h). For lower.cpp.
#pragma once

#include "compiler/lower/prepared.h"

#include <llvm/IR/Module.h>

namespace xdpc::lower {

// Leaves the functions that are among `prepared` with a return alone, so that what the object says of them is made as
// of any other, and tells which.
std::vector<Substitute> substitute(llvm::Module& module, PreparedFunctions prepared);

} // namespace xdpc::lower
