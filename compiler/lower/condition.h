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
// The same for values that are read outside of conditions: payloads have the bytes that they take and maps the keys,
// while the returned Reading lives. Their headers must be present.
class Reading {
public:
  Reading(Builder& builder, const Packet& packet, const std::vector<const ir::Expr*>& values, llvm::BasicBlock* absent);
  Reading(Builder& builder, const Packet& packet, const std::vector<ir::Expr>& values, llvm::BasicBlock* absent);
  ~Reading();
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

private:
  Builder& builder_;
  size_t windows_;
};

} // namespace xdpc::lower
