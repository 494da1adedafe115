// Lowers meters.
#include "compiler/lower/meter.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/value.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

constexpr unsigned kTries = 8; // of compare-and-swap, before the packet is taken not to conform
constexpr unsigned kKeyOffset = 4;

class MeterLowering {
public:
  MeterLowering(Builder& b, const Packet& packet, ir::MeterId id, llvm::BasicBlock* conforms, llvm::BasicBlock* exceeds)
      : b(b), packet_(packet), meter_(b.policy().meters[id]), plan_(b.program().meters[id]), conforms_(conforms),
        exceeds_(exceeds) {}

  void run() {
    now_ = b.CreateShl(b.now(), abi::kMeterShift);
    cost_ = meter_.bits ? b.CreateMul(b.length, b.u64(plan_.cost)) : b.u64(plan_.cost);
    if (plan_.cell)
      charge(b.at(b.map(*b.program().common.meters), uint64_t{*plan_.cell} * 8));
    else
      keyed();
  }

private:
  // The bucket's word for this packet's key, made full if there is none.
  void keyed() {
    llvm::Value* map = b.map(*plan_.map);
    unsigned key_size = abi::keySize(meter_.key_type);
    llvm::Value* scratch = b.scratch(kKeyOffset + key_size + 16);
    unsigned offset = kKeyOffset;
    for (size_t i = 0; i < meter_.key.size(); ++i) {
      storeKey(b, scratch, offset, meter_.key_type.parts[i], lowerValue(b, packet_, meter_.key[i]));
      offset += abi::keyKindSize(meter_.key_type.parts[i]);
    }
    llvm::Value* key = b.at(scratch, kKeyOffset);
    llvm::Value* word = b.at(scratch, (offset + 7) / 8 * 8);

    auto *there = b.block("meter.there"), *fresh = b.block("meter.fresh"), *retry = b.block("meter.retry"),
         *charged = b.block("meter.charge"), *full = b.block("meter.full");
    llvm::Value* found = b.call(BpfHelper::map_lookup_elem, {map, key});
    b.CreateCondBr(b.CreateIsNull(found), fresh, there);

    // Full at first sight: the packet takes its cost from a full bucket, unless the burst is smaller than the packet.
    b.startBlock(fresh);
    b.storeAt(word, 0, now_);
    llvm::Value* result = b.call(BpfHelper::map_update_elem, {map, key, word, b.u64(BPF_NOEXIST)});
    (void)result; // -EEXIST: another CPU was first, whose bucket is the one to charge
    llvm::Value* again = b.call(BpfHelper::map_lookup_elem, {map, key});
    b.CreateCondBr(b.CreateIsNull(again), full, retry);
    b.startBlock(retry);
    b.CreateBr(charged);
    b.startBlock(there);
    b.CreateBr(charged);

    b.startBlock(full);
    b.countEvent(*plan_.full);
    b.CreateBr(meter_.when_full == ir::WhenFull::drop ? exceeds_ : conforms_);

    b.startBlock(charged);
    llvm::PHINode* bucket = b.CreatePHI(b.getPtrTy(), 2, "bucket");
    bucket->addIncoming(found, there);
    bucket->addIncoming(again, retry);
    charge(bucket);
  }

  void charge(llvm::Value* word) {
    auto *before = b.GetInsertBlock(), *turn = b.block("meter.try"), *enough = b.block("meter.enough"),
         *lost = b.block("meter.lost"), *contended = b.block("meter.contended");
    b.CreateBr(turn);
    b.startBlock(turn);
    llvm::PHINode* tries = b.CreatePHI(b.getInt32Ty(), 2);
    tries->addIncoming(b.u32(0), before);
    llvm::Value* old = b.loadAt(word, 0, 8);
    llvm::Value* window = b.u64(plan_.window);
    // In the past, or further ahead than the burst: full. Both are large as an unsigned difference.
    llvm::Value* ahead = b.CreateSub(old, now_);
    ahead = b.CreateSelect(b.CreateICmpULE(ahead, window), ahead, b.u64(0));
    llvm::Value* next = b.CreateAdd(ahead, cost_);
    b.CreateCondBr(b.CreateICmpULE(next, window), enough, exceeds_);

    b.startBlock(enough);
    auto* swap = b.CreateAtomicCmpXchg(word, old, b.CreateAdd(now_, next), llvm::Align(8),
                                       llvm::AtomicOrdering::SequentiallyConsistent,
                                       llvm::AtomicOrdering::SequentiallyConsistent);
    b.CreateCondBr(b.CreateExtractValue(swap, 1), conforms_, lost);

    b.startBlock(lost);
    llvm::Value* more = b.CreateAdd(tries, b.u32(1));
    tries->addIncoming(more, lost);
    b.CreateCondBr(b.CreateICmpULT(more, b.u32(kTries)), turn, contended);

    b.startBlock(contended);
    b.countEvent(plan_.contended);
    b.CreateBr(exceeds_);
  }

  Builder& b;
  const Packet& packet_;
  const ir::Meter& meter_;
  const plan::MeterPlan& plan_;
  llvm::BasicBlock *conforms_, *exceeds_;
  llvm::Value *now_ = nullptr, *cost_ = nullptr;
};

} // namespace

void lowerMeter(Builder& b, const Packet& packet, ir::MeterId id, bool within, llvm::BasicBlock* holds,
                llvm::BasicBlock* fails) {
  if (!lowerNeeds(b, packet, b.program().meters[id].needs, fails))
    return;
  MeterLowering(b, packet, id, within ? holds : fails, within ? fails : holds).run();
}

} // namespace xdpc::lower
