// Lowers meters.
#include "compiler/lower/meter.h"
#include "compiler/lower/clock.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/table_function.h"
#include "compiler/lower/table_insert.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kTries = 8;   // of compare-and-swap, before the packet is taken not to conform
constexpr unsigned kLookups = 2; // of a key whose place other CPUs give and take at this very moment

class MeterLowering {
public:
  MeterLowering(Builder& b, ir::MeterId id, llvm::BasicBlock* conforms, llvm::BasicBlock* exceeds)
      : b(b), id_(id), meter_(b.policy().meters[id]), plan_(b.program().meters[id]), conforms_(conforms),
        exceeds_(exceeds) {}

  void oneBucket() {
    start();
    contended_ = b.block("meter.contended");
    charge(b.at(b.map(*b.program().common.meters), uint64_t{*plan_.cell} * 8), nullptr);
    countContended();
  }

  void keyed(const KeyWords& key) {
    start();
    const TableRef table = tableRef(b, *plan_.map, meter_.key_type, 1);
    const Placement at = placeKey(b, table, hashKey(b, key));
    contended_ = b.block("meter.contended");
    auto *before = b.GetInsertBlock(), *lookup = b.block("meter.lookup"), *fresh = b.block("meter.fresh"),
         *again = b.block("meter.again"), *gone = b.block("meter.gone");
    b.CreateBr(lookup);
    b.startBlock(lookup);
    auto* lookups = b.CreatePHI(b.getInt32Ty(), 2);
    lookups->addIncoming(b.u32(0), before);
    const Place place = lowerFind(b, table, key, at, FindFor::changing, fresh).place;
    charge(wordAt(b, table, place), [&](llvm::BasicBlock* stays) {
      b.CreateCondBr(b.CreateICmpEQ(keyDifference(b, table, place, key), b.u64(0)), stays, again);
    });

    // Full at first sight: the packet takes its cost from a full bucket, unless the burst is smaller than the packet.
    b.startBlock(fresh);
    auto *fits = b.block("meter.fits"), *full = b.block("meter.full"), *taken = b.block("meter.taken");
    b.CreateCondBr(b.CreateICmpULE(cost_, window_), fits, exceeds_);
    b.startBlock(fits);
    llvm::Value* inserted =
        callInsert(b, b.globals().inserts.at(*plan_.map), key, clock_, free(b.CreateAdd(now_, cost_)), b.u64(0));
    auto* answers = b.CreateSwitch(inserted, contended_);
    answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::placed)), conforms_);
    answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::full)), full);
    answers->addCase(b.getInt32(static_cast<uint32_t>(Inserted::exists)), taken);
    answerEvicted(b, *answers, plan_.evicted, conforms_);
    b.startBlock(taken);
    b.CreateBr(again); // another CPU was first, whose bucket is the one to charge

    b.startBlock(full);
    b.countEvent(*plan_.full);
    b.CreateBr(meter_.when_full == ir::WhenFull::drop ? exceeds_ : conforms_);

    b.startBlock(again);
    llvm::Value* more = b.CreateAdd(lookups, b.u32(1));
    lookups->addIncoming(more, again);
    b.CreateCondBr(b.CreateICmpULT(more, b.u32(kLookups)), lookup, gone);
    b.startBlock(gone);
    b.CreateBr(contended_);
    countContended();
  }

private:
  void start() {
    clock_ = meter_.exact_clock ? b.now() : lowerSharedClock(b);
    now_ = b.CreateShl(clock_, abi::kMeterShift);
    cost_ = b.parameter("cost", plan_.cost);
    if (meter_.bits)
      cost_ = b.CreateMul(b.length, cost_);
    window_ = b.parameter("window", plan_.window);
  }

  // No word of a bucket is one that tables have for themselves: 30 attoseconds later it is another.
  llvm::Value* free(llvm::Value* word) {
    return b.CreateAdd(word, b.CreateMul(b.isLess(b.CreateLShr(word, 1), b.u64(1)), b.u64(2)));
  }

  // `moved`, if the word is a place's: ends the block with a branch to where another try makes sense, if the place
  // still has the key.
  void charge(llvm::Value* word, const std::function<void(llvm::BasicBlock*)>& moved) {
    auto *before = b.GetInsertBlock(), *turn = b.block("meter.try"), *enough = b.block("meter.enough"),
         *lost = b.block("meter.lost"), *more = b.block("meter.more");
    b.CreateBr(turn);
    b.startBlock(turn);
    llvm::PHINode* tries = b.CreatePHI(b.getInt32Ty(), 2);
    tries->addIncoming(b.u32(0), before);
    auto* old = b.CreateAlignedLoad(b.getInt64Ty(), word, llvm::Align(8));
    old->setVolatile(true);
    if (moved) {
      auto* settled = b.block("meter.settled");
      b.CreateCondBr(b.CreateICmpEQ(old, b.u64(abi::kBusy)), lost, settled);
      b.startBlock(settled);
    }
    // In the past: full, and large as an unsigned difference. A little further ahead than the burst: the CPU that
    // charged last has read the clock later than this one.
    llvm::Value* ahead = b.CreateSub(old, now_);
    llvm::Value* farthest = b.parameter("farthest", plan_.window + abi::kMeterSlack);
    ahead = b.CreateSelect(b.CreateICmpULE(ahead, farthest), ahead, b.u64(0));
    llvm::Value* next = b.CreateAdd(ahead, cost_);
    b.CreateCondBr(b.CreateICmpULE(next, window_), enough, exceeds_);

    b.startBlock(enough);
    auto* swap = b.CreateAtomicCmpXchg(word, old, free(b.CreateAdd(now_, next)), llvm::Align(8),
                                       llvm::AtomicOrdering::SequentiallyConsistent,
                                       llvm::AtomicOrdering::SequentiallyConsistent);
    b.CreateCondBr(b.CreateExtractValue(swap, 1), conforms_, lost);

    b.startBlock(lost);
    if (moved) {
      auto* stays = b.block("meter.stays");
      moved(stays);
      b.startBlock(stays);
    }
    b.CreateBr(more);
    b.startBlock(more);
    llvm::Value* count = b.CreateAdd(tries, b.u32(1));
    tries->addIncoming(count, more);
    b.CreateCondBr(b.CreateICmpULT(count, b.u32(kTries)), turn, contended_);
  }

  void countContended() {
    b.startBlock(contended_);
    b.countEvent(plan_.contended);
    b.CreateBr(exceeds_);
  }

  Builder& b;
  ir::MeterId id_;
  const ir::Meter& meter_;
  const plan::MeterPlan& plan_;
  llvm::BasicBlock *conforms_, *exceeds_, *contended_ = nullptr;
  llvm::Value *clock_ = nullptr, *now_ = nullptr, *cost_ = nullptr, *window_ = nullptr; // ns; 1/65,536 ns
};

} // namespace

void lowerMeter(Builder& b, const Packet& packet, ir::MeterId id, bool within, llvm::BasicBlock* holds,
                llvm::BasicBlock* fails) {
  if (!lowerNeeds(b, packet, b.program().meters[id].needs, fails))
    return;
  const ir::Meter& meter = b.policy().meters[id];
  Reading reading(b, packet, meter.key, fails);
  llvm::BasicBlock *conforms = within ? holds : fails, *exceeds = within ? fails : holds;
  if (meter.key.empty())
    return MeterLowering(b, id, conforms, exceeds).oneBucket();
  std::vector<Value> key;
  for (const ir::Expr& part : meter.key)
    key.push_back(lowerValue(b, packet, part));
  callTableFunction(b, b.globals().meters.at(id), packKey(b, meter.key_type, key), b.length, conforms, exceeds);
}

void makeMeterFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (ir::MeterId id = 0; id < program.policy->meters.size(); ++id) {
    const ir::Meter& meter = program.policy->meters[id];
    const plan::MeterPlan& plan = program.meters[id];
    if (!meter.used || meter.key.empty())
      continue;
    const std::string name = "meter_" + std::to_string(id);
    const TableRef table{*plan.map, program.manifest.maps[*plan.map].max_entries, abi::tableLayout(meter.key_type, 1)};
    globals.inserts[*plan.map] =
        makeInsertFunction(program, module, debug, globals, name + "_insert", meter.span, table,
                           {StateKind::meter, meter.when_full == ir::WhenFull::evict, plan.window});
    globals.meters[id] = makeTableFunction(
        program, module, debug, globals, name, meter.span, meter.key_type,
        [&](Builder& b, const KeyWords& key, llvm::Value* length, llvm::BasicBlock* yes, llvm::BasicBlock* no) {
          b.length = length;
          MeterLowering(b, id, yes, no).keyed(key);
        });
  }
}

} // namespace xdpc::lower
