// Bytes of payloads: slices, read where the frame is, and what a scan says. A slice is read through a window: so many
// of the payload's bytes, found to be there once for all that a condition reads of them. Tested by
// tests/packet/payload.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// Goes on in a new block, where the payload has the bytes that the HasBytes asks for and they lie behind a window that
// is now the innermost; to `absent` elsewhere. The caller takes it off Builder::windows.
void openWindow(Builder& builder, const Packet& packet, const ir::Expr& has_bytes, llvm::BasicBlock* absent);

llvm::Value* loadSlice(Builder& builder, const ir::Expr& slice);          // up to eight bytes: i64, first byte highest
llvm::Value* compareSlices(Builder& builder, const ir::Expr& comparison); // equal or not, of any number of bytes: i1
// Whether the payload has one of the patterns: i1. Scans it unless this packet's answer is there already.
llvm::Value* lowerContains(Builder& builder, const Packet& packet, const ir::Expr& contains);

} // namespace xdpc::lower
