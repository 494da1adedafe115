// Lowers tags, through helpers alone: what they do is the same for a frame in one buffer or in several.
#include "compiler/lower/tag.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kAddresses = 12, kTagBytes = 4; // of an Ethernet header; of a tag with its EtherType

llvm::Value* worked(Builder& b, llvm::Value* result) {
  return b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0));
}

void must(Builder& b, llvm::Value* result, llvm::BasicBlock* failed) {
  auto* next = b.block("tag");
  b.CreateCondBr(worked(b, result), next, failed);
  b.startBlock(next);
}

llvm::Value* isTagType(Builder& b, llvm::Value* type) {
  llvm::Value* any = b.getFalse();
  for (const ir::PayloadBy& payload : b.policy().headers[0].payload)
    for (const ir::PayloadEntry& entry : payload.entries)
      if (b.policy().headers[entry.next].name == "vlan")
        any = b.CreateOr(any, b.CreateICmpEQ(type, b.u64(entry.value)));
  return any;
}

void push(Builder& b, llvm::Value* word, llvm::BasicBlock* failed) {
  llvm::Value* buffer = b.scratch(kAddresses + kTagBytes);
  must(b, b.call(BpfHelper::xdp_load_bytes, {b.context, b.u32(0), buffer, b.u64(kAddresses)}), failed);
  storeBytes(b, buffer, kAddresses, kTagBytes, word);
  must(b, b.call(BpfHelper::xdp_adjust_head, {b.context, b.u32(-kTagBytes)}), failed);
  must(b, b.call(BpfHelper::xdp_store_bytes, {b.context, b.u32(0), buffer, b.u64(kAddresses + kTagBytes)}), failed);
}

// Without a whole tag it does nothing.
void pop(Builder& b, llvm::BasicBlock* none, llvm::BasicBlock* failed) {
  llvm::Value* buffer = b.scratch(24);
  // With the EtherType behind the tag: else the tag is cut short.
  llvm::Value* loaded = b.call(BpfHelper::xdp_load_bytes, {b.context, b.u32(0), buffer, b.u64(kAddresses + 6)});
  auto *read = b.block("tag.read"), *tagged = b.block("tag.there");
  b.CreateCondBr(worked(b, loaded), read, none);
  b.startBlock(read);
  b.CreateCondBr(isTagType(b, loadBytes(b, buffer, kAddresses, 2)), tagged, none);
  b.startBlock(tagged);
  must(b, b.call(BpfHelper::xdp_adjust_head, {b.context, b.u32(kTagBytes)}), failed);
  must(b, b.call(BpfHelper::xdp_store_bytes, {b.context, b.u32(0), buffer, b.u64(kAddresses)}), failed);
}

// IEEE 802.1Q: EtherType, then priority, drop eligibility and identifier.
llvm::Value* tagWord(Builder& b, const Packet& packet, const ir::Action& action) {
  auto part = [&](size_t i) { return lowerValue(b, packet, action.key[i]).low; };
  llvm::Value* control = b.CreateOr(b.CreateOr(part(0), b.CreateShl(part(1), 13)), b.CreateShl(part(2), 12));
  return b.CreateOr(control, b.u64(uint64_t{action.id} << 16));
}

} // namespace

std::optional<Tag> lowerTag(Builder& b, const Packet& packet, const ir::Action& action) {
  if (action.kind == ir::ActionKind::PopVlan)
    return Tag{};
  for (ir::HeaderId id : action.needs)
    if (!packet.find(b.policy(), id))
      return std::nullopt;
  auto *absent = b.block("tag.absent"), *done = b.block("tag.known");
  lowerNeeds(b, packet, action.needs, absent);
  llvm::Value* word = tagWord(b, packet, action);
  auto* present = b.GetInsertBlock();
  b.CreateBr(done);
  b.startBlock(absent);
  b.CreateBr(done);
  b.startBlock(done);
  auto choice = [&](llvm::Value* with, llvm::Value* without) {
    llvm::PHINode* phi = b.CreatePHI(with->getType(), 2);
    phi->addIncoming(with, present);
    phi->addIncoming(without, absent);
    return phi;
  };
  llvm::Value* chosen = choice(word, b.u64(0));
  return Tag{true, chosen, choice(b.getTrue(), b.getFalse())};
}

void applyTag(Builder& b, const Tag& tag, llvm::BasicBlock* failed) {
  auto* done = b.block("tagged");
  if (tag.push) {
    auto* there = b.block("tag.push");
    b.CreateCondBr(tag.there, there, done);
    b.startBlock(there);
    push(b, tag.word, failed);
  } else {
    pop(b, done, failed);
  }
  b.CreateBr(done);
  b.startBlock(done);
}

} // namespace xdpc::lower
