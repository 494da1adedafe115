// The packet parser, from the graph of headers that the standard library declares. Entry point: lowerParser. It walks
// only what the plan asks for. Where packets come out with the same headers known, they go on in the same block: a
// leaf, in which the rules are lowered for exactly these headers. Tested by tests/packet/headers.
#pragma once

#include "compiler/lower/packet.h"

#include <cstddef>
#include <functional>

namespace xdpc::lower {

// Called once a leaf, with the builder in its block; it has to end the block.
using LeafLowering = std::function<void(const Packet&)>;

// What is known of a packet before IP, where no rule asks for a header there but the first.
struct PartStart {
  llvm::Value *offset = nullptr, *malformed = nullptr, *unparsed = nullptr; // as in Packet
};

// Who lowers packets from `header` on, before which there is no other IP: `lower` ends the block.
struct Part {
  ir::HeaderId header = 0;
  std::function<void(const PartStart&)> lower;
};

// Ends the current block. The builder knows where the frame is. False if the function has more than so many of LLVM's
// instructions: it is then left unfinished.
bool lowerParser(Builder& builder, const LeafLowering& leaf, size_t max_instructions, const Part* part = nullptr);
// The same from a part's header on.
bool lowerParserBehind(Builder& builder, const LeafLowering& leaf, ir::HeaderId header, const PartStart& start,
                       size_t max_instructions);

} // namespace xdpc::lower
