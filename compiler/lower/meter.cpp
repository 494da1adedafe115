// Lowers meters.
#include "compiler/lower/meter.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/key_function.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

constexpr unsigned kTries = 8; // of compare-and-swap, before the packet is taken not to conform
constexpr unsigned kKeyOffset = 4;

class MeterLowering {
public:
  MeterLowering(Builder& b, const std::vector<Value>& key, ir::MeterId id, llvm::BasicBlock* conforms,
                llvm::BasicBlock* exceeds)
      : b(b), key_(key), meter_(b.policy().meters[id]), plan_(b.program().meters[id]), conforms_(conforms),
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
    for (size_t i = 0; i < key_.size(); ++i) {
      storeKey(b, scratch, offset, meter_.key_type.parts[i], key_[i]);
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
  const std::vector<Value>& key_;
  const ir::Meter& meter_;
  const plan::MeterPlan& plan_;
  llvm::BasicBlock *conforms_, *exceeds_;
  llvm::Value *now_ = nullptr, *cost_ = nullptr;
};

// A key that is one value, in a function, has lost its mask.
Value withMask(const ir::Expr& key, Value value) {
  if (key.kind == ir::ExprKind::Mask)
    value.prefix_bits = value.kind == Value::Kind::v4 ? key.v4_bits : key.v6_bits;
  return value;
}

} // namespace

void lowerMeter(Builder& b, const Packet& packet, ir::MeterId id, bool within, llvm::BasicBlock* holds,
                llvm::BasicBlock* fails) {
  if (!lowerNeeds(b, packet, b.program().meters[id].needs, fails))
    return;
  Reading reading(b, packet, b.policy().meters[id].key, fails);
  llvm::BasicBlock *conforms = within ? holds : fails, *exceeds = within ? fails : holds;
  std::vector<Value> key;
  for (const ir::Expr& part : b.policy().meters[id].key)
    key.push_back(lowerValue(b, packet, part));
  auto function = b.globals().meters.find(id);
  if (function != b.globals().meters.end())
    return callKeyFunction(b, function->second, key[0], conforms, exceeds);
  MeterLowering(b, key, id, conforms, exceeds).run();
}

void makeMeterFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (ir::MeterId id = 0; id < program.policy->meters.size(); ++id) {
    const ir::Meter& meter = program.policy->meters[id];
    if (!meter.used || meter.key.size() != 1)
      continue;
    globals.meters[id] = makeKeyFunction(
        program, module, debug, globals, "meter_" + std::to_string(id), meter.span, kindsOf(meter.key_type.parts[0]),
        [&](Builder& b, const Value& key, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
          std::vector<Value> masked = {withMask(meter.key[0], key)};
          MeterLowering(b, masked, id, yes, no).run();
        });
  }
}

} // namespace xdpc::lower
