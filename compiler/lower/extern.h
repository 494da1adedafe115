// C functions: their modules go into the program's, and each that a rule calls has a global function around it, which
// the kernel verifies once and into which the C is inlined. Arguments are packed into registers; a payload's bytes are
// copied to a buffer of this CPU, so that C sees one run of bytes whatever buffers the frame has. Tested by
// tests/packet/extern.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

void makeExternFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

// What the function gives: i64. The headers of its arguments must be present.
llvm::Value* lowerExternCall(Builder& builder, const Packet& packet, const ir::Expr& call);

} // namespace xdpc::lower
