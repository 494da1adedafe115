// Scans of payloads: one global function for each automaton of the plan, which the kernel verifies once. It copies what
// it looks at, so that the frame's buffers do not matter, and takes a step of the automaton for each byte. Entry
// points: makeScanFunctions, lowerScan. Tested by tests/packet/payload and tests/unit/plan/scan_test.cpp.
#pragma once

#include "compiler/lower/packet.h"

#include <functional>

namespace xdpc::lower {

void makeScanFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals);

// The scan's answer for the payload of `header` (i64), a bit a pattern set. A scan that several conditions ask runs
// once a packet. Goes on in a new block.
llvm::Value* lowerScan(Builder& builder, uint32_t scan, ir::HeaderId header, llvm::Value* start, llvm::Value* ip_end);

// Scans of the payloads for which `changed` says so start anew: what they looked at is written to.
void forgetScans(Builder& builder, const std::function<bool(ir::HeaderId payload_of)>& changed);

// This CPU's buffer for payload bytes, or null.
llvm::Value* payloadBuffer(Builder& builder);

} // namespace xdpc::lower
