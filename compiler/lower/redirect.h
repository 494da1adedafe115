// `redirect to …`: maps of devices, CPUs and sockets. Entry points: lowerTarget, lowerRedirect. In test mode no map is
// asked: devices and CPUs count as present, sockets as absent. Tested by tests/packet/redirect and tests/live.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// The target's key in its map (i32). Reads the packet, so it comes before what moves the frame's start.
llvm::Value* lowerTarget(Builder& builder, const Packet& packet, const ir::Redirect& redirect);
// The verdict (i32): abort where the target is not there, pass for a socket. Goes on in a new block.
llvm::Value* lowerRedirect(Builder& builder, const ir::Redirect& redirect, llvm::Value* key);

} // namespace xdpc::lower
