// Lowers verdicts. Without `on` a verdict jumps to the program's exit; with it, by way of a block of its leaf.
#include "compiler/lower/on_verdict.h"
#include "compiler/ir/verdict.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/event.h"

#include <bit>

namespace xdpc::lower {

bool Verdicts::observed(ir::Verdict verdict) const {
  for (const ir::OnVerdict& on : b.policy().on)
    if (on.verdict == verdict)
      return true;
  return false;
}

Verdicts::Way Verdicts::makeWay(const char* name) {
  auto* from = b.GetInsertBlock();
  Way way{.block = b.block(name)};
  b.startBlock(way.block);
  way.action = b.CreatePHI(b.getInt32Ty(), 4, "action");
  way.slot = b.CreatePHI(b.getInt32Ty(), 4, "slot");
  b.startBlock(from);
  return way;
}

void Verdicts::leave(const Way& to, llvm::Value* action, llvm::Value* slot) {
  to.action->addIncoming(action, b.GetInsertBlock());
  to.slot->addIncoming(slot, b.GetInsertBlock());
  b.CreateBr(to.block);
}

void Verdicts::exit(Counted counted, llvm::Value* action, llvm::Value* slot, Copy copy) {
  const bool here = counted == Counted::here;
  if (llvm::PHINode* copied = here ? exit_.copied : exit_.counted_copied)
    copied->addIncoming(copy == Copy::pending ? b.copied : b.getFalse(), b.GetInsertBlock());
  if (here)
    leave({exit_.block, exit_.verdict, exit_.slot}, action, slot);
  else
    leave({exit_.counted_block, exit_.counted_verdict, exit_.counted_slot}, action, slot);
}

void Verdicts::end(ir::Verdict verdict, llvm::Value* action, llvm::Value* slot, Counted counted) {
  if (!observed(verdict))
    return exit(counted, action, slot, Copy::pending);
  const bool here = counted == Counted::here;
  Behind& behind = behind_[verdict];
  Way& way = here ? behind.here : behind.before;
  if (!way.block)
    way = makeWay(here ? "on.count" : "on");
  leave(way, action, slot);
}

void Verdicts::endWritten(llvm::Value* action, llvm::Value* slot, Counted counted) {
  exit(counted, action, slot, Copy::written);
}

void Verdicts::emitNow(ir::Verdict verdict, llvm::Value* slot) {
  emitAll(verdict, slot);
}

void Verdicts::emitAll(ir::Verdict verdict, llvm::Value* slot) {
  for (const ir::OnVerdict& on : b.policy().on) {
    if (on.verdict != verdict)
      continue;
    auto* next = b.block("on.next");
    debug_.setPlace(b, on.span);
    if (on.condition) {
      auto* emit = b.block("on.emit");
      lowerCondition(b, packet_, *on.condition, emit, next);
      b.startBlock(emit);
    }
    lowerEmit(b, packet_, on.emit, slot, ir::actionOf(verdict));
    b.CreateBr(next);
    b.startBlock(next);
  }
}

void Verdicts::finish() {
  // The slot is only written into records here: what the verifier knows of it would make it walk the same code again
  // for every rule.
  const uint64_t slots = std::bit_ceil(b.program().manifest.slots.size() + 1) - 1;
  for (auto& [verdict, behind] : behind_) {
    if (behind.here.block) {
      if (!behind.before.block)
        behind.before = makeWay("on");
      b.startBlock(behind.here.block);
      b.countPacket(behind.here.slot);
      leave(behind.before, behind.here.action, behind.here.slot);
    }
    const Way& way = behind.before;
    b.startBlock(way.block);
    llvm::Value* slot = b.CreateTrunc(b.forgotten(b.CreateZExt(way.slot, b.getInt64Ty()), slots), b.getInt32Ty());
    emitAll(verdict, slot);
    exit(Counted::before, way.action, slot, Copy::pending);
  }
}

} // namespace xdpc::lower
