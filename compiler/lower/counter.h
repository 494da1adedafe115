// `count NAME`: plain and keyed counters. Entry point: lowerCount. A plain counter is a slot like a rule's, a keyed one
// a table. Tested by tests/packet/counters.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Goes on in a new block.
void lowerCount(Builder& builder, const Packet& packet, const ir::Action& action);

// Makes a function of each keyed counter.
void makeCounterFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
