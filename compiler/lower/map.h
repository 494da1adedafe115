// Maps that are fixed at compile time. Entry points: lowerMapHas, lowerMapValue, makeMapFunctions. Tested by
// tests/packet/maps.
#pragma once

#include "compiler/lower/value.h"

namespace xdpc::lower {

// Ends the block: whether the map has the key.
void lowerMapHas(Builder& builder, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes,
                 llvm::BasicBlock* no);
// The map has the key.
Value lowerMapValue(Builder& builder, const Packet& packet, const ir::Expr& expr);

// Makes a function of each search whose key is one value.
void makeMapFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
