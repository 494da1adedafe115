// Functions that walk chains of extension headers; walk.h has lowerExtensions, which calls them.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

void makeChainFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
