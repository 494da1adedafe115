// Runs Clang over C source, as `clang -target bpf -O2 -ffreestanding` would up to the optimizer. Files beside the
// source can be included; the machine's own headers cannot, so that a policy compiles to the same everywhere.
#pragma once

#include "compiler/extern_c/clang/reporter.h"

#include <clang/Frontend/CompilerInstance.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <memory>

namespace xdpc::clang_plugin {

// The module, not optimized, or null after an error. `compiler` keeps the source for later reports.
std::unique_ptr<llvm::Module> runClang(const XdpcSource& source, clang::CompilerInstance& compiler, Reporter& reporter,
                                       llvm::LLVMContext& context);

} // namespace xdpc::clang_plugin
