// What BPF programs do not have: calls of functions that are defined elsewhere, state, what the back end cannot emit.
#pragma once

#include "compiler/extern_c/clang/reporter.h"

#include <llvm/IR/DebugLoc.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace xdpc::clang_plugin {

// Errors at places of the IR's line information.
class Places {
public:
  Places(const clang::SourceManager& manager, Reporter& reporter) : manager_(manager), reporter_(reporter) {}

  void error(const llvm::DebugLoc& place, const std::string& message, const std::string& help) const;
  void error(llvm::StringRef path, unsigned line, unsigned column, const std::string& message,
             const std::string& help) const;

private:
  const clang::SourceManager& manager_;
  Reporter& reporter_;
};

void reportRefused(const llvm::Module& module, const Places& places);
// Emits the module and throws the result away: what the back end refuses is then an error of the C file.
void tryBackEnd(const llvm::Module& module, llvm::TargetMachine& target, const Places& places);

} // namespace xdpc::clang_plugin
