// Lowers what reads payloads.
#include "compiler/lower/payload.h"
#include "compiler/lower/notes.h"
#include "compiler/lower/scan.h"
#include "compiler/lower/value.h"
#include "compiler/lower/write_back.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace xdpc::lower {
namespace {

// Of the payload's part of the buffer for bytes that do not lie in the frame's first buffer.
uint64_t placeOf(const Builder& b, ir::HeaderId header) {
  const auto& headers = b.program().payload_headers;
  auto at = std::find(headers.begin(), headers.end(), header) - headers.begin();
  return static_cast<uint64_t>(at) * ir::kMaxPayloadBytes;
}

// Without a compare of the two: the verifier would learn bounds from each, and take every slice's ways for others.
void goOnIfUpTo(Builder& b, llvm::Value* end, llvm::Value* limit, llvm::BasicBlock* inside, llvm::BasicBlock* absent) {
  b.CreateCondBr(b.CreateICmpEQ(b.isLess(limit, end), b.u64(0)), inside, absent);
  b.startBlock(inside);
}

// Zero, which says that there is no IP, becomes the largest number.
llvm::Value* endWithoutIp(Builder& b, llvm::Value* ip_end) {
  llvm::Value* none = b.isLess(ip_end, b.u64(1));
  return b.CreateOr(ip_end, b.CreateLShr(b.opaque(b.CreateNeg(none)), 1));
}

// A frame in several buffers, or one whose copy ends before: the helper reaches all of it.
llvm::Value* loadFar(Builder& b, ir::HeaderId header, llvm::Value* start, uint64_t bytes, llvm::BasicBlock* absent) {
  auto *there = b.block("far.there"), *found = b.block("far.found"), *loaded = b.block("far.loaded");
  goOnIfUpTo(b, b.CreateAdd(start, b.u64(bytes)), b.length, there, absent);
  if (b.program().rewrites)
    writeBack(b, b.copied); // the helper reads the frame itself
  llvm::Value* buffer = payloadBuffer(b);
  b.CreateCondBr(b.CreateIsNull(buffer), absent, found);
  b.startBlock(found);
  llvm::Value* place = b.at(buffer, placeOf(b, header));
  llvm::Value* offset = b.CreateTrunc(start, b.getInt32Ty());
  llvm::Value* result = b.call(BpfHelper::xdp_load_bytes, {b.context, offset, place, b.u32(bytes)});
  b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), loaded, absent);
  b.startBlock(loaded);
  return place;
}

llvm::Value* windowBase(const Builder& b, const ir::Expr& slice) {
  uint64_t end = slice.number + slice.type.bits / 8;
  auto window = std::find_if(b.windows.rbegin(), b.windows.rend(),
                             [&](const PayloadWindow& one) { return one.header == slice.header && one.bytes >= end; });
  if (window == b.windows.rend()) {
    std::fputs("xdpc: internal error: a slice is read where nobody asked whether it is there\n", stderr);
    std::abort();
  }
  return window->base;
}

// `bytes` of a side of a comparison, from its byte `offset` on.
llvm::Value* chunk(Builder& b, const ir::Expr& side, uint64_t offset, unsigned bytes) {
  if (side.kind == ir::ExprKind::Slice)
    return loadBytes(b, windowBase(b, side), side.number + offset, bytes);
  uint64_t number = 0;
  for (unsigned i = 0; i < bytes; ++i)
    number = number << 8 | static_cast<uint8_t>((*side.bytes)[offset + i]);
  return b.u64(number);
}

} // namespace

void openWindow(Builder& b, const Packet& packet, const ir::Expr& has_bytes, llvm::BasicBlock* absent) {
  auto found = packet.find(b.policy(), has_bytes.header);
  if (!found) { // nor is what is lowered behind it ever reached
    b.CreateBr(absent);
    b.startBlock(b.block("absent"));
    b.windows.push_back({has_bytes.header, llvm::PoisonValue::get(b.getPtrTy()), has_bytes.number});
    return;
  }
  llvm::Value* start = endOf(b, packet, *found);
  uint64_t bytes = has_bytes.number;
  auto *in_ip = b.block("payload"), *far = b.block("far"), *window = b.block("window");
  llvm::Value* own_end = packet.ipEnd(b.policy().headers[found->id].packet);
  llvm::Value* ip_end = b.program().headers[found->id].before_ip ? endWithoutIp(b, own_end) : own_end;
  goOnIfUpTo(b, b.CreateAdd(start, b.u64(bytes)), ip_end, in_ip, absent);
  llvm::Value* near_base = b.packetAt(start, bytes, far);
  auto* near = b.GetInsertBlock();
  b.CreateBr(window);
  b.startBlock(far);
  llvm::Value* far_base = loadFar(b, has_bytes.header, start, bytes, absent);
  auto* loaded = b.GetInsertBlock();
  b.CreateBr(window);
  b.startBlock(window);
  llvm::PHINode* base = b.CreatePHI(b.getPtrTy(), 2, "window");
  base->addIncoming(near_base, near);
  base->addIncoming(far_base, loaded);
  b.windows.push_back({has_bytes.header, base, bytes});
}

llvm::Value* loadSlice(Builder& b, const ir::Expr& slice) {
  return loadBytes(b, windowBase(b, slice), slice.number, slice.type.bits / 8);
}

// Without branches: each would be one more way for the verifier.
llvm::Value* compareSlices(Builder& b, const ir::Expr& comparison) {
  const ir::Expr &left = comparison.args[0], &right = comparison.args[1];
  const unsigned bytes = left.type.bits / 8;
  llvm::Value* difference = b.u64(0);
  for (unsigned done = 0; done < bytes;) {
    unsigned now = std::min(8u, std::bit_floor(bytes - done));
    difference = b.CreateOr(difference, b.CreateXor(chunk(b, left, done, now), chunk(b, right, done, now)));
    done += now;
  }
  return comparison.op == ir::Op::Eq ? b.CreateICmpEQ(difference, b.u64(0)) : b.CreateICmpNE(difference, b.u64(0));
}

llvm::Value* lowerContains(Builder& b, const Packet& packet, const ir::Expr& contains) {
  auto found = packet.find(b.policy(), contains.header);
  const plan::PatternPlan& plan = b.program().patterns[contains.id];
  llvm::Value* answer =
      lowerScan(b, plan.scan, found->id, endOf(b, packet, *found), packet.ipEnd(b.policy().headers[found->id].packet));
  return b.CreateICmpNE(b.CreateAnd(answer, uint64_t{1} << plan.bit), b.u64(0));
}

} // namespace xdpc::lower
