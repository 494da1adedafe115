// Leaves a module a share of the program's functions, so that the back end can work on several at once. For lower.cpp.
#pragma once

#include "compiler/lower/lower.h"

#include <llvm/IR/Module.h>

namespace xdpc::lower {

// The shares are about alike in size. The first has the program, all data and what no other function may see from
// outside; a function or a datum of another share is declared. The same module gives the same shares.
void keepShare(llvm::Module& module, const Share& share);

} // namespace xdpc::lower
