// Lowers counters.
#include "compiler/lower/counter.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

constexpr unsigned kKeyOffset = 4;

// Other CPUs count under the same key.
void addAtomically(Builder& b, llvm::Value* cell) {
  auto add = [&](uint64_t offset, llvm::Value* amount) {
    b.CreateAtomicRMW(llvm::AtomicRMWInst::Add, b.at(cell, offset), amount, llvm::Align(8),
                      llvm::AtomicOrdering::SequentiallyConsistent);
  };
  add(0, b.u64(1));
  add(8, b.length);
}

void countByKey(Builder& b, const Packet& packet, const ir::Counter& counter, const plan::CounterPlan& plan,
                llvm::BasicBlock* done) {
  llvm::Value* map = b.map(*plan.map);
  unsigned offset = kKeyOffset;
  llvm::Value* scratch = b.scratch(kKeyOffset + abi::keySize(counter.key_type) + 24);
  for (size_t i = 0; i < counter.key.size(); ++i) {
    storeKey(b, scratch, offset, counter.key_type.parts[i], lowerValue(b, packet, counter.key[i]));
    offset += abi::keyKindSize(counter.key_type.parts[i]);
  }
  llvm::Value* key = b.at(scratch, kKeyOffset);
  llvm::Value* first = b.at(scratch, (offset + 7) / 8 * 8);
  auto *there = b.block("there"), *fresh = b.block("fresh"), *refused = b.block("refused"), *late = b.block("late"),
       *other = b.block("other");

  llvm::Value* found = b.call(BpfHelper::map_lookup_elem, {map, key});
  b.CreateCondBr(b.CreateIsNull(found), fresh, there);
  b.startBlock(there);
  addAtomically(b, found);
  b.CreateBr(done);

  b.startBlock(fresh);
  b.storeAt(first, 0, b.u64(1));
  b.storeAt(first, 8, b.length);
  llvm::Value* result = b.call(BpfHelper::map_update_elem, {map, key, first, b.u64(BPF_NOEXIST)});
  b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), done, refused);

  // Another CPU was first, or the key finds no place and counts as `other`.
  b.startBlock(refused);
  llvm::Value* again = b.call(BpfHelper::map_lookup_elem, {map, key});
  b.CreateCondBr(b.CreateIsNull(again), other, late);
  b.startBlock(late);
  addAtomically(b, again);
  b.CreateBr(done);
  b.startBlock(other);
  b.countPacket(b.u32(*plan.other));
  b.CreateBr(done);
}

} // namespace

void lowerCount(Builder& b, const Packet& packet, const ir::Action& action) {
  const plan::CounterPlan& plan = b.program().counters[action.id];
  if (plan.slot)
    return b.countPacket(b.u32(*plan.slot));
  auto* done = b.block("counted");
  if (lowerNeeds(b, packet, plan.needs, done))
    countByKey(b, packet, b.policy().counters[action.id], plan, done);
  b.startBlock(done);
}

} // namespace xdpc::lower
