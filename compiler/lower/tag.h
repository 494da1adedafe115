// `push vlan` and `pop vlan`: bpf_xdp_adjust_head. Entry points: lowerTag, applyTag. Pointers into the packet end with
// the first of them, so that a row of tags is read before any is applied. Tested by tests/packet/rewrite/tags.xf.
#pragma once

#include "compiler/lower/packet.h"

namespace xdpc::lower {

// What a tag action will do, read from the packet.
struct Tag {
  bool push = false;
  llvm::Value* word = nullptr;  // push: the tag's four bytes as a big-endian number, i64
  llvm::Value* there = nullptr; // push: i1, whether the packet has what the word is made of
};

// Nothing where no packet of this path has what the tag is made of. Goes on in a new block.
std::optional<Tag> lowerTag(Builder& builder, const Packet& packet, const ir::Action& action);
// To `failed` where the helpers refuse, which is where the driver left no room. Goes on in a new block.
void applyTag(Builder& builder, const Tag& tag, llvm::BasicBlock* failed);

} // namespace xdpc::lower
