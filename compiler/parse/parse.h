// Text to ast::File. Entry point: parse. The grammar is in grammar/; layout.h joins lines first; every construct has
// its conversion in a file of its own. Syntax errors are reported and parsing goes on at the next statement.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"

namespace xdpc::parse {

struct Limits {
  size_t bytes = 64u << 20; // of a file
  unsigned depth = 200;     // of brackets and `not`
  unsigned errors = 1000;   // then no more are looked for
};

// Always gives what could be understood; look at emitter.hasErrors(). Long policies are read in two threads:
// `thread_starts` is called first in the second one.
ast::File parse(const SourceFile& source, diag::Emitter& emitter, const Limits& limits = {},
                void (*thread_starts)() = nullptr);

} // namespace xdpc::parse
