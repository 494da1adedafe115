// Goes on in the packet that a tunnel holds. Tested by tests/packet/tunnels.
#include "compiler/lower/walk.h"

namespace xdpc::lower {
namespace {

// Where the headers outside lie differs with tags and options. Found anew from offsets that the verifier does not know,
// they are the same to it.
void forgetPlaces(Builder& b, Packet& packet, llvm::BasicBlock* gone) {
  for (auto& [id, value] : packet.headers) {
    if (value.note)
      continue;
    const ir::Header& header = b.policy().headers[id];
    value.offset = b.forgotten(value.offset, plan::kCopiedBytes - 1);
    value.base = b.packetAt(value.offset, header.min_size, gone);
  }
}

} // namespace

void enterTunnel(Builder& b, Walk& walk, ir::HeaderId header, const Place& place) {
  auto *fragment = b.block("fragment"), *whole = b.block("whole"), *deep = b.block("deep"), *near = b.block("near");
  b.CreateCondBr(b.CreateICmpNE(place.fragmented, b.u64(0)), fragment, whole);
  b.startBlock(fragment); // nothing is reassembled, so that there is no inner packet
  walk.finish(place.packet);

  b.startBlock(whole);
  b.CreateCondBr(b.CreateICmpUGE(place.offset, b.u64(plan::kCopiedBytes)), deep, near);
  b.startBlock(near);
  Place inner = place;
  // Whatever lies outside, the inner packet is one case to the verifier.
  inner.offset = b.forgotten(place.offset, plan::kCopiedBytes - 1);
  forgetPlaces(b, inner.packet, deep);
  inner.behind_ip = false;
  inner.fragmented = b.u64(0);
  walk.enter(header, 0, inner);
  b.startBlock(deep);
  walk.tooDeep(place.packet);
}

} // namespace xdpc::lower
