// Global functions of the program that take the context and up to four numbers and give one: what the kernel verifies
// once, whoever calls it. For chain_function.cpp, scan.cpp and extern.cpp.
#pragma once

#include "compiler/lower/builder.h"

#include <functional>

namespace xdpc::lower {

// `body` ends all blocks. `place` is where the kernel's log says that the function is from.
llvm::Function* makeContextFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                    const Globals& globals, const std::string& name, Span place,
                                    const std::function<void(Builder&)>& body, unsigned numbers = 3);

} // namespace xdpc::lower
