// What a lower::Module holds. For lower/ and codegen/ alone.
#pragma once

#include "compiler/lower/lower.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

namespace xdpc::lower {

struct Module::Impl {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::vector<Substitute> substitutes; // of the functions in it
};

} // namespace xdpc::lower
