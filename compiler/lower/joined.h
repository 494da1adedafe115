// Leaves that are made one. A policy that tells many headers apart would otherwise have a copy of its rules for each
// combination of them: here, whether a header is there is a bit that the running program knows, and the parser has one
// node a header (docs/decisions/0111). The alternatives of unions stay apart: `ip` is one of them in each leaf. Entry
// point: JoinedHeaders. For walk.cpp, names.cpp and tunnel.cpp. Tested by tests/packet/tunnels/many.xf and
// tests/differential.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

class JoinedHeaders {
public:
  explicit JoinedHeaders(const plan::Program& program);

  // The packet, with all headers of which only the running program is to know whether they are there.
  Packet complete(Builder& builder, Packet packet) const;
  // What the verifier knows of the way to this place is forgotten, so that it goes on with one of them. Goes on in a
  // new block.
  Packet forget(Builder& builder, const Packet& packet) const;

private:
  std::vector<ir::HeaderId> headers_;
};

// No header of the policy is longer, without its options. Frames of fewer bytes are copied where leaves are joined, so
// that a place is there for those that are not.
uint64_t longestHeader(const plan::Program& program);

} // namespace xdpc::lower
