// Token buckets as one word, the generic cell rate algorithm: when the bucket is full again. Entry point: lowerMeter.
// Tested by tests/packet/meters.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Ends the block: to `holds` where the packet conforms (`within`) or does not (`over`), else to `fails`. A packet
// without the key's headers is neither.
void lowerMeter(Builder& builder, const Packet& packet, ir::MeterId id, bool within, llvm::BasicBlock* holds,
                llvm::BasicBlock* fails);

// Makes a function of each keyed meter.
void makeMeterFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

} // namespace xdpc::lower
