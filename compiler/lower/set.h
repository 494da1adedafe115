// Dynamic sets: lookups, and the policy's own additions and removals. Entry points: lowerInSet, lowerAdd, lowerRemove.
// A prefix set has two parts: a hash for elements of the lengths that the policy itself adds, a trie that only user
// space writes for all others. Tested by tests/packet/sets.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

void lowerInSet(Builder& builder, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes,
                llvm::BasicBlock* no);
// Makes a function of each lookup whose key is one value.
void makeSetFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

// Both go on in a new block. The action's headers must be present.
void lowerAdd(Builder& builder, const Packet& packet, const ir::Action& action);
void lowerRemove(Builder& builder, const Packet& packet, const ir::Action& action);

} // namespace xdpc::lower
