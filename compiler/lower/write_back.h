// Puts the copy of a frame's first bytes back into the frame, where the policy has changed it. Entry point: writeBack.
// Tested by tests/packet/rewrite on the engines vm-copied and kernel-copied.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

// Does nothing where `copied` (i1) is false. Goes on in a new block.
void writeBack(Builder& builder, llvm::Value* copied);

} // namespace xdpc::lower
