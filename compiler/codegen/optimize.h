// Runs the few of LLVM's passes that lowering leaves work for. Entry point: optimize. Tested by everything that
// compiles a policy.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace xdpc::codegen {

void optimize(llvm::Module& module, llvm::TargetMachine& target);

} // namespace xdpc::codegen
