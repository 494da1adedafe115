// Constant tables of C: gathered into one global, which the policy's object carries in a section of its own.
#pragma once

#include "compiler/extern_c/clang/refused.h"

namespace xdpc::clang_plugin {

// Bytes of the global `xdpc.constants`, or 0 where there are none.
uint64_t gatherConstants(llvm::Module& module, const Places& places);

} // namespace xdpc::clang_plugin
