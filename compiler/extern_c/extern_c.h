// Compiles the C functions that a policy names with `extern`. Clang is a plugin beside the executable, opened for such
// policies alone (plugin.h says how both talk). Entry point: compile. Tested by tests/lit/diag/extern.test and
// tests/packet/extern.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"

#include <functional>

namespace xdpc::extern_c {

// How C files come in.
struct Files {
  // A C file, by its path as it is written at `place`; null if it cannot be read, which was reported.
  std::function<const SourceFile*(std::string_view path, Span place)> read;
  // What the plugin read beside it: headers.
  std::function<const SourceFile&(std::string path, std::string text)> add;
};

// Puts a module into policy.c_modules for each C file. What Clang says goes to `emitter`.
void compile(ir::Policy& policy, const Files& files, diag::Emitter& emitter);

} // namespace xdpc::extern_c
