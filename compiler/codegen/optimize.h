// Runs the few of LLVM's passes that lowering leaves work for. Entry point: optimize. Tested by everything that
// compiles a policy.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace xdpc::codegen {

// Functions that nobody in the module calls: kept where it is a share of a program.
enum class Uncalled : uint8_t { dropped, kept };

void optimize(llvm::Module& module, llvm::TargetMachine& target, Uncalled uncalled);

} // namespace xdpc::codegen
