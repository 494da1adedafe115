// Takes what Clang made of the policy's C files into the program's module.
#pragma once

#include "compiler/plan/program.h"

#include <llvm/IR/Module.h>

#include <map>

namespace xdpc::lower {

// The C functions by ExternId: internal, and inlined wherever they are called.
std::map<ir::ExternId, llvm::Function*> linkCModules(const plan::Program& program, llvm::Module& module);

} // namespace xdpc::lower
