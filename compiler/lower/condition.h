// Conditions become branches. Entry point: lowerCondition. Tested by tests/packet/conditions.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Ends the current block: to `yes` where the condition holds, else to `no`.
void lowerCondition(Builder& builder, const Packet& packet, const ir::Expr& expr, llvm::BasicBlock* yes,
                    llvm::BasicBlock* no);

// What the headers of this path say already, without looking at the packet.
std::optional<bool> knownCondition(const ir::Policy& policy, const Packet& packet, const ir::Expr& expr);

// Goes on in a block where all of these headers are present; to `absent` elsewhere. False, with the block ended, if
// this path lacks one of them.
bool lowerNeeds(Builder& builder, const Packet& packet, const std::vector<ir::HeaderId>& needs,
                llvm::BasicBlock* absent);

} // namespace xdpc::lower
