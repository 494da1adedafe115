// From Clang's module to one that the policy's program takes in: helpers inlined, constants gathered, reads of payloads
// bounded, and nothing left that BPF does not have.
#pragma once

#include "compiler/extern_c/clang/reporter.h"

#include <llvm/IR/Module.h>

#include <optional>

namespace xdpc::clang_plugin {

struct Optimized {
  uint64_t constants = 0; // bytes of the global `xdpc.constants`
};

// Nothing after an error, which was reported.
std::optional<Optimized> optimize(const XdpcSource& source, llvm::Module& module, const clang::SourceManager& manager,
                                  Reporter& reporter);

} // namespace xdpc::clang_plugin
