// Goes on in the packet that a tunnel holds. Tested by tests/packet/tunnels.
#include "compiler/lower/walk.h"

namespace xdpc::lower {

void enterTunnel(Builder& b, Walk& walk, ir::HeaderId header, const Place& place) {
  auto *fragment = b.block("fragment"), *whole = b.block("whole"), *deep = b.block("deep"), *near = b.block("near");
  b.CreateCondBr(b.CreateICmpNE(place.fragmented, b.u64(0)), fragment, whole);
  b.startBlock(fragment); // nothing is reassembled, so that there is no inner packet
  walk.finish(place.packet);

  b.startBlock(whole);
  b.CreateCondBr(b.CreateICmpUGE(place.offset, b.u64(plan::kCopiedBytes)), deep, near);
  b.startBlock(deep);
  walk.tooDeep(place.packet);

  b.startBlock(near);
  Place inner = place;
  // Whatever lies outside, the inner packet is one case to the verifier.
  inner.offset = b.forgotten(place.offset, plan::kCopiedBytes - 1);
  inner.behind_ip = false;
  inner.fragmented = b.u64(0);
  walk.enter(header, 0, inner);
}

} // namespace xdpc::lower
