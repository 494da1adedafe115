// Finds the frame that a program reads: in the driver's buffer, or in a copy where the first buffer is short. Tested by
// every packet test (engines vm, vm-copied, kernel, kernel-copied) and tests/packet/headers/jumbo.xf.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

enum class FrameUse : uint8_t { length, headers }; // what the policy wants of it

// Sets the builder's data, data_end, length and copied, from its context. Goes on in a new block. Gives the blocks that
// few packets come through, which belong behind all others.
std::vector<llvm::BasicBlock*> lowerFrame(Builder& builder, FrameUse use);

} // namespace xdpc::lower
