// Lowers rules.
#include "compiler/lower/rule.h"
#include "compiler/ir/verdict.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/counter.h"
#include "compiler/lower/event.h"
#include "compiler/lower/meter.h"
#include "compiler/lower/set.h"

namespace xdpc::lower {
namespace {

// Every way through the block reaches a verdict.
bool alwaysEnds(const ir::Block& block) {
  if (block.verdict)
    return true;
  for (const ir::Step& step : block.steps)
    for (const ir::Branch& branch : step.branch)
      if (alwaysEnds(branch.then) && alwaysEnds(branch.otherwise))
        return true;
  return false;
}

class RuleLowering {
public:
  RuleLowering(Builder& b, DebugInfo& debug, const Packet& packet, Exit& exit, const ir::Rule& rule, uint32_t slot)
      : b(b), debug_(debug), packet_(packet), exit_(exit), rule_(rule), slot_(slot) {}

  // False if no packet of this path gets beyond the rule.
  bool run() {
    auto known = rule_.condition ? knownCondition(b.policy(), packet_, *rule_.condition) : std::optional<bool>(true);
    if (known == false)
      return true;
    debug_.setPlace(b, rule_.span);
    auto *body = b.block(rule_.name), *next = b.block("next");
    llvm::BasicBlock* condition_holds = rule_.meter ? b.block("meter") : body;
    if (known)
      b.CreateBr(condition_holds);
    else
      lowerCondition(b, packet_, *rule_.condition, condition_holds, next);
    if (rule_.meter) {
      b.startBlock(condition_holds);
      lowerMeter(b, packet_, *rule_.meter, rule_.within, body, next);
    }
    b.startBlock(body);
    counted_at_exit_ = alwaysEnds(rule_.body);
    if (!counted_at_exit_)
      b.countPacket(b.u32(slot_));
    if (lowerBlock(rule_.body))
      b.CreateBr(next);
    b.startBlock(next);
    return !(known && !rule_.meter && counted_at_exit_);
  }

private:
  // False if the block ended in a verdict.
  bool lowerBlock(const ir::Block& block) {
    for (const ir::Step& step : block.steps) {
      if (step.action)
        lowerAction(*step.action, block);
      for (const ir::Branch& branch : step.branch)
        if (!lowerBranch(branch))
          return false;
    }
    if (!block.verdict)
      return true;
    debug_.setPlace(b, block.verdict_span);
    end(*block.verdict);
    return false;
  }

  bool lowerBranch(const ir::Branch& branch) {
    auto *yes = b.block("then"), *no = b.block("else"), *done = b.block("endif");
    debug_.setPlace(b, branch.span);
    lowerCondition(b, packet_, branch.condition, yes, no);
    bool goes_on = false;
    for (auto [start, body] : {std::pair{yes, &branch.then}, std::pair{no, &branch.otherwise}}) {
      b.startBlock(start);
      if (lowerBlock(*body)) {
        b.CreateBr(done);
        goes_on = true;
      }
    }
    b.startBlock(done);
    if (!goes_on)
      b.CreateUnreachable();
    return goes_on;
  }

  void lowerAction(const ir::Action& action, const ir::Block& block) {
    debug_.setPlace(b, action.span);
    auto* done = b.block("done");
    if (lowerNeeds(b, packet_, action.needs, done)) {
      Reading reading(b, packet_, action.key, done);
      switch (action.kind) {
      case ir::ActionKind::Count:
        lowerCount(b, packet_, action);
        break;
      case ir::ActionKind::Emit:
        lowerEmit(b, packet_, action, slot_, block.verdict ? ir::actionOf(*block.verdict) : abi::kNoVerdict);
        break;
      case ir::ActionKind::Add:
        lowerAdd(b, packet_, action);
        break;
      case ir::ActionKind::Remove:
        lowerRemove(b, packet_, action);
        break;
      }
      b.CreateBr(done);
    }
    b.startBlock(done);
  }

  void end(ir::Verdict verdict) {
    auto* from = b.GetInsertBlock();
    (counted_at_exit_ ? exit_.verdict : exit_.counted_verdict)->addIncoming(b.u32(ir::actionOf(verdict)), from);
    (counted_at_exit_ ? exit_.slot : exit_.counted_slot)->addIncoming(b.u32(slot_), from);
    b.CreateBr(counted_at_exit_ ? exit_.block : exit_.counted_block);
  }

  Builder& b;
  DebugInfo& debug_;
  const Packet& packet_;
  Exit& exit_;
  const ir::Rule& rule_;
  uint32_t slot_;
  bool counted_at_exit_ = true;
};

} // namespace

Exit makeExit(Builder& b) {
  Exit exit;
  exit.block = b.block("exit");
  exit.counted_block = b.block("exit.counted");
  auto* before = b.GetInsertBlock();
  b.startBlock(exit.block);
  exit.verdict = b.CreatePHI(b.getInt32Ty(), 16, "verdict");
  exit.slot = b.CreatePHI(b.getInt32Ty(), 16, "slot");
  b.startBlock(exit.counted_block);
  exit.counted_verdict = b.CreatePHI(b.getInt32Ty(), 4, "verdict");
  exit.counted_slot = b.CreatePHI(b.getInt32Ty(), 4, "slot");
  b.startBlock(before);
  return exit;
}

void finishExit(Builder& b, Exit& exit) {
  b.startBlock(exit.block);
  b.countPacket(exit.slot);
  exit.counted_verdict->addIncoming(exit.verdict, exit.block);
  exit.counted_slot->addIncoming(exit.slot, exit.block);
  b.CreateBr(exit.counted_block);

  b.startBlock(exit.counted_block);
  auto *test = b.block("exit.test"), *leave = b.block("leave");
  b.CreateCondBr(b.testMode(), test, leave);
  b.startBlock(test);
  b.storeAt(b.map(b.program().common.test), offsetof(abi::TestState, slot), exit.counted_slot);
  b.CreateBr(leave);
  b.startBlock(leave);
  b.CreateRet(exit.counted_verdict);
}

void lowerRules(Builder& b, DebugInfo& debug, const Packet& packet, Exit& exit) {
  const auto& rules = b.policy().rules;
  for (uint32_t i = 0; i < rules.size(); ++i)
    if (!RuleLowering(b, debug, packet, exit, rules[i], b.program().ruleSlot(i)).run())
      break;
  // The last rule, `default`, ends every packet.
  b.CreateUnreachable();
}

} // namespace xdpc::lower
