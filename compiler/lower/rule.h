// The list of rules, for one way that packets come out of the parser. Entry point: lowerRules.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Where a packet ends: one block for all of the program, with the verdict and the deciding rule's slot.
struct Exit {
  llvm::BasicBlock* block = nullptr; // counts the slot
  llvm::PHINode *verdict = nullptr, *slot = nullptr;
  llvm::BasicBlock* counted_block = nullptr; // the slot has counted already
  llvm::PHINode *counted_verdict = nullptr, *counted_slot = nullptr;
  // Whether a copy of the frame is to be written back; only where the policy assigns to fields.
  llvm::PHINode *copied = nullptr, *counted_copied = nullptr;
};

Exit makeExit(Builder& builder);
// Fills the exit's blocks, once all rules jump to them.
void finishExit(Builder& builder, Exit& exit);

void lowerRules(Builder& builder, DebugInfo& debug, const Packet& packet, Exit& exit);

} // namespace xdpc::lower
