// The part of the program that is only for IPv6 packets. To the back end, which compiles it beside the rest, it is a
// function; codegen/join.cpp makes one function of both, and of the call a jump. See docs/decisions/0231-ipv6-apart.md.
#pragma once

#include "compiler/lower/lower.h"
#include "compiler/lower/parser.h"

namespace xdpc::lower {

// The header that it begins with, and the function: it returns what the program returns.
struct PartFunction {
  ir::HeaderId header = 0;
  llvm::Function* function = nullptr;
};

// Nothing where the policy has no IPv6, where the part would be too short to be worth it, or where more is known of a
// packet by then than five registers hold.
std::optional<PartFunction> makePart(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                     const Globals& globals, Presence presence);

// Ends the block: the packet goes on there, and does not come back.
void callPart(Builder& builder, const PartFunction& part, const PartStart& start);

// Whether a function is such a part.
bool isPart(const llvm::Function& function);

} // namespace xdpc::lower
