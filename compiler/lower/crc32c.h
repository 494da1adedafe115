// SCTP's CRC32c (RFC 9260, appendix A) after a change of bytes under it. A CRC is linear: what a change makes of it
// depends on the change and on how many bytes lie behind, and on no other byte. Entry points: makeCrcFunctions,
// lowerCrcChange. Tested by tests/packet/rewrite/sctp.xf and tests/differential.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

// u32 crc32c_change(change, behind) and what it calls, where the policy rewrites what lies under a CRC.
void makeCrcFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals);

// What to XOR to the checksum as it is read from the packet, first byte highest (i64). `change`: the XOR of up to eight
// bytes before and after, first byte highest; `behind`: bytes between them and the end of what the CRC is over. Zero
// where they lie beyond it.
llvm::Value* lowerCrcChange(Builder& builder, llvm::Value* change, llvm::Value* behind);

} // namespace xdpc::lower
