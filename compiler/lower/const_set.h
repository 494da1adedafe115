// Membership in sets that are fixed at compile time: trees of compares. Entry points: lowerInConst,
// makeConstSetFunctions. Tested by tests/packet/sets.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

void lowerInConst(Builder& builder, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes,
                  llvm::BasicBlock* no);

// Makes a function of each set that the plan calls one.
void makeConstSetFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
