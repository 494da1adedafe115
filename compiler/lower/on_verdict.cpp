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

void Verdicts::leave(llvm::BasicBlock* to, llvm::PHINode* action_of, llvm::PHINode* slot_of, llvm::Value* action,
                     llvm::Value* slot) {
  action_of->addIncoming(action, b.GetInsertBlock());
  slot_of->addIncoming(slot, b.GetInsertBlock());
  b.CreateBr(to);
}

void Verdicts::end(ir::Verdict verdict, llvm::Value* action, uint32_t slot, Counted counted) {
  const bool here = counted == Counted::here;
  if (!observed(verdict)) {
    if (here)
      return leave(exit_.block, exit_.verdict, exit_.slot, action, b.u32(slot));
    return leave(exit_.counted_block, exit_.counted_verdict, exit_.counted_slot, action, b.u32(slot));
  }
  Behind& behind = behind_[verdict];
  Way& way = here ? behind.here : behind.before;
  if (!way.block)
    way = makeWay(here ? "on.count" : "on");
  leave(way.block, way.action, way.slot, action, b.u32(slot));
}

// The slot is only written into records here: what the verifier knows of it would make it walk the same code again for
// every rule.
void Verdicts::emitAll(ir::Verdict verdict, const Way& way) {
  b.startBlock(way.block);
  const uint64_t slots = std::bit_ceil(b.program().manifest.slots.size() + 1) - 1;
  llvm::Value* slot = b.CreateTrunc(b.forgotten(b.CreateZExt(way.slot, b.getInt64Ty()), slots), b.getInt32Ty());
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
  leave(exit_.counted_block, exit_.counted_verdict, exit_.counted_slot, way.action, slot);
}

void Verdicts::finish() {
  for (auto& [verdict, behind] : behind_) {
    if (behind.here.block) {
      if (!behind.before.block)
        behind.before = makeWay("on");
      b.startBlock(behind.here.block);
      b.countPacket(behind.here.slot);
      leave(behind.before.block, behind.before.action, behind.before.slot, behind.here.action, behind.here.slot);
    }
    emitAll(verdict, behind.before);
  }
}

} // namespace xdpc::lower
