// Packets in flight, copied for `xdpc capture` and `xdpc events --pcap`: a function of its own, which only a load with
// kModeCapture calls. The policy's exit calls it for each packet, `emit` for those of its event. Tested by
// tests/capture and tests/live/capture.py.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

void makeCaptureFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals);

// `slot` and `verdict`: i32. `event`: its number, or abi::kNoEvent at the exit. Goes on in a new block.
void captureIfAsked(Builder& builder, llvm::Value* slot, llvm::Value* verdict, uint8_t event);

} // namespace xdpc::lower
