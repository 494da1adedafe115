// Which extension headers are walked by the same code. Private to chain_function.cpp; tested by tests/packet/headers.
#pragma once

#include "compiler/plan/program.h"

namespace xdpc::lower {

// The same least size, the same way to the size and to the next header's number, and nothing else to look at.
bool areWalkedAlike(const plan::Program& program, ir::HeaderId left, ir::HeaderId right);

} // namespace xdpc::lower
