// `emit EVENT [sample 1/N]`: a record in the ring buffer, if a reader holds its lease. Entry point: lowerEmit.
// Tested by tests/packet/events.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// `rule_slot`: i32. `verdict`: what the statement's block ends in. Goes on in a new block.
void lowerEmit(Builder& builder, const Packet& packet, const ir::Action& action, llvm::Value* rule_slot,
               uint8_t verdict);

} // namespace xdpc::lower
