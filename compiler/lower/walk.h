// Nodes and leaves of the packet parser: blocks that are entered from several places, with what is known of the packet
// in phi nodes. For parser.cpp and extensions.cpp.
#pragma once

#include "compiler/lower/packet.h"
#include "compiler/lower/parser.h"

#include <deque>
#include <map>
#include <memory>

namespace xdpc::lower {

// A place in the walk: what is known, and where the next header would start.
struct Place {
  Packet packet;
  bool behind_ip = false;            // packet.ip_end means something
  llvm::Value* offset = nullptr;     // i64, from the frame's start
  llvm::Value* fragmented = nullptr; // i64, 0 or 1: this packet is a fragment; kept where the plan follows tunnels
};

class Walk {
public:
  Walk(Builder& builder, const LeafLowering& leaf) : b(builder), leaf_(leaf) {}
  virtual ~Walk() = default;

  // Each ends the current block. `repeats`: how many of this header came before in the chain.
  void enter(ir::HeaderId header, unsigned repeats, const Place& place);
  virtual void finish(const Packet& whole);
  // The header is not wholly there: what was known before it holds, and nothing follows.
  virtual void cutShort(ir::HeaderId header, Packet packet);
  virtual void tooDeep(Packet packet);

  // Lowers all nodes, then all leaves. False, with the function unfinished, if it has more instructions.
  bool run(const std::function<void(ir::HeaderId header, unsigned repeats, const Place&)>& node,
           size_t max_instructions);

private:
  using Signature = std::vector<ir::HeaderId>;
  struct Node {
    llvm::BasicBlock* block = nullptr;
    ir::HeaderId header = 0;
    unsigned repeats = 0;
    Place place; // all values are phi nodes
  };

  static Signature signature(const Packet& packet);
  Place makePhis(const Place& like);
  void addIncoming(Place& phis, const Place& from);

  Builder& b;
  const LeafLowering& leaf_;
  std::map<std::tuple<ir::HeaderId, unsigned, bool, Signature>, size_t> index_;
  std::deque<Node> nodes_;
  std::map<Signature, Node> leaves_;
};

// The IPv6 extension headers behind `header`. Calls `behind` once, with the builder where no further
// extension follows: with the place behind them and the protocol number.
void lowerExtensions(Builder& builder, Walk& walk, ir::HeaderId header, const Place& place, llvm::Value* next_header,
                     const std::function<void(const Place&, llvm::Value*)>& behind);

// The first header of a packet in a tunnel, at `place`. Ends the block.
void enterTunnel(Builder& builder, Walk& walk, ir::HeaderId header, const Place& place);

// Makes the header known under all names that it has in this packet: its own, `vlan.inner.vlan`, its optional fields
// and options. Goes on in a new block.
void bindNames(Builder& builder, Packet& packet, ir::HeaderId header, const HeaderValue& value);

// Checks that `header` at `place` is wholly there; to cutShort if not. Then it is in the returned packet, asked for or
// not.
HeaderValue lowerHeader(Builder& builder, Walk& walk, ir::HeaderId header, const Place& place);

} // namespace xdpc::lower
