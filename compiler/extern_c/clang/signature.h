// Compares C functions with what the policy declares of them.
#pragma once

#include "compiler/extern_c/clang/reporter.h"

#include <clang/AST/ASTContext.h>

namespace xdpc::clang_plugin {

// Reports what does not fit: a function that is missing, has other parameters or another result.
void checkFunctions(const XdpcSource& source, const clang::ASTContext& context, Reporter& reporter);

} // namespace xdpc::clang_plugin
