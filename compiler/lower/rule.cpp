// Lowers rules and the lists that they stand in.
#include "compiler/lower/rule.h"
#include "compiler/ir/block.h"
#include "compiler/ir/verdict.h"
#include "compiler/lower/assign.h"
#include "compiler/lower/capture.h"
#include "compiler/lower/classifier.h"
#include "compiler/lower/condition.h"
#include "compiler/lower/counter.h"
#include "compiler/lower/event.h"
#include "compiler/lower/meter.h"
#include "compiler/lower/on_verdict.h"
#include "compiler/lower/redirect.h"
#include "compiler/lower/set.h"
#include "compiler/lower/tag.h"
#include "compiler/lower/write_back.h"
#include "runtime/abi/capture.h"

namespace xdpc::lower {
namespace {

bool isEmpty(const ir::Block& block) {
  return block.steps.empty() && !block.verdict;
}

class ListLowering {
public:
  ListLowering(Builder& b, DebugInfo& debug, const Packet& packet, Verdicts& verdicts)
      : b(b), debug_(debug), packet_(packet), verdicts_(verdicts) {}

  // False if no packet of this path gets beyond the list; the block is then without an end.
  bool run(ir::ListId id) {
    const auto& items = b.policy().lists[id].items;
    for (size_t i = 0; i < items.size(); ++i) {
      if (const plan::Classifier* classifier = b.program().classifierAt(id, i)) {
        debug_.setPlace(b, items[i].span);
        lowerClassifier(b, packet_, *classifier, verdicts_,
                        [&](const plan::ClassifierBody& body, llvm::Value* slot, llvm::BasicBlock* next) {
                          runBody(body, slot, next);
                        });
        i += classifier->count - 1;
        continue;
      }
      if (items[i].rule ? !runRule(*items[i].rule) : !runApplied(items[i]))
        return false;
    }
    return true;
  }

private:
  // The rule that statements are lowered for.
  struct Current {
    const ir::Rule& rule;
    llvm::Value* slot; // i32
    Counted counted;
  };

  bool runApplied(const ir::ListItem& item) {
    auto known = item.condition ? knownCondition(b.policy(), packet_, *item.condition) : std::optional<bool>(true);
    if (known)
      return *known ? run(item.list) : true;
    debug_.setPlace(b, item.span);
    auto *list = b.block(b.policy().lists[item.list].name), *next = b.block("next");
    lowerCondition(b, packet_, *item.condition, list, next);
    b.startBlock(list);
    if (run(item.list))
      b.CreateBr(next);
    else
      b.CreateUnreachable();
    b.startBlock(next);
    return true;
  }

  bool runRule(ir::RuleId id) {
    const ir::Rule& rule = b.policy().rules[id];
    auto known = rule.condition ? knownCondition(b.policy(), packet_, *rule.condition) : std::optional<bool>(true);
    if (known == false && isEmpty(rule.otherwise))
      return true;
    debug_.setPlace(b, rule.span);
    Current current{rule, b.u32(b.program().ruleSlot(id)), ir::endsPacket(rule.body) ? Counted::here : Counted::before};
    auto *body = b.block(rule.name), *next = b.block("next");
    auto* fails = isEmpty(rule.otherwise) ? next : b.block("otherwise");
    lowerHolds(rule.condition ? &*rule.condition : nullptr, rule.meter, rule.within, body, fails);
    b.startBlock(body);
    if (current.counted == Counted::before)
      b.countPacket(current.slot);
    bool goes_on = lowerTo(rule.body, current, next);
    if (fails != next) {
      b.startBlock(fails);
      current.counted = Counted::before; // it did not hold
      goes_on |= lowerTo(rule.otherwise, current, next);
    }
    b.startBlock(next);
    return goes_on || (fails == next && (!known || rule.meter));
  }

  // A rule of a classifier, behind the part of its condition that the table has decided.
  void runBody(const plan::ClassifierBody& body, llvm::Value* slot, llvm::BasicBlock* next) {
    const ir::Rule& rule = b.policy().rules[body.rule];
    debug_.setPlace(b, rule.span);
    const Current current{rule, slot, ir::endsPacket(rule.body) ? Counted::here : Counted::before};
    auto* holds = b.block(rule.name);
    lowerHolds(body.remaining ? &*body.remaining : nullptr, rule.meter, rule.within, holds, next);
    b.startBlock(holds);
    if (current.counted == Counted::before)
      b.countPacket(slot);
    lowerTo(rule.body, current, next);
  }

  // Ends the block: to `yes` where the condition and then the meter hold.
  void lowerHolds(const ir::Expr* condition, std::optional<ir::MeterId> meter, bool within, llvm::BasicBlock* yes,
                  llvm::BasicBlock* no) {
    llvm::BasicBlock* holds = meter ? b.block("meter") : yes;
    if (condition)
      lowerCondition(b, packet_, *condition, holds, no);
    else
      b.CreateBr(holds);
    if (!meter)
      return;
    b.startBlock(holds);
    lowerMeter(b, packet_, *meter, within, yes, no);
  }

  // The block, then on to `next`. False if it always ends in a verdict.
  bool lowerTo(const ir::Block& block, const Current& current, llvm::BasicBlock* next) {
    if (!lowerBlock(block, current))
      return false;
    b.CreateBr(next);
    return true;
  }

  // False if the block ended in a verdict.
  bool lowerBlock(const ir::Block& block, const Current& current) {
    std::vector<const ir::Action*> tags; // last in their block
    for (const ir::Step& step : block.steps) {
      if (step.action && ir::isTag(*step.action))
        tags.push_back(&*step.action);
      else if (step.action)
        lowerAction(*step.action, block, current);
      if (step.apply && !run(*step.apply)) {
        b.CreateUnreachable();
        return false;
      }
      for (const ir::Branch& branch : step.branch)
        if (!lowerBranch(branch, current))
          return false;
    }
    if (!block.verdict)
      return true;
    debug_.setPlace(b, block.verdict_span);
    lowerVerdict(block, tags, current);
    return false;
  }

  // All that reads the packet comes first: tags move its start.
  void lowerVerdict(const ir::Block& block, const std::vector<const ir::Action*>& tags, const Current& current) {
    llvm::Value* target = block.redirect ? lowerTarget(b, packet_, *block.redirect) : nullptr;
    if (!tags.empty()) {
      verdicts_.emitNow(*block.verdict, current.slot);
      lowerTags(tags, current);
    }
    llvm::Value* action = target ? lowerRedirect(b, *block.redirect, target) : b.u32(ir::actionOf(*block.verdict));
    if (tags.empty())
      verdicts_.end(*block.verdict, action, current.slot, current.counted);
    else
      verdicts_.endWritten(action, current.slot, current.counted);
  }

  void lowerTags(const std::vector<const ir::Action*>& actions, const Current& current) {
    std::vector<Tag> tags;
    for (const ir::Action* action : actions)
      if (auto tag = lowerTag(b, packet_, *action))
        tags.push_back(*tag);
    if (b.program().rewrites)
      writeBack(b, b.copied);
    auto* failed = b.block("tag.failed");
    for (const Tag& tag : tags)
      applyTag(b, tag, failed);
    auto* done = b.GetInsertBlock();
    b.startBlock(failed);
    verdicts_.endWritten(b.u32(abi::kAborted), current.slot, current.counted);
    b.startBlock(done);
  }

  bool lowerBranch(const ir::Branch& branch, const Current& current) {
    auto *yes = b.block("then"), *no = b.block("else"), *done = b.block("endif");
    debug_.setPlace(b, branch.span);
    lowerHolds(&branch.condition, branch.meter, branch.within, yes, no);
    b.startBlock(yes);
    bool goes_on = false;
    if (knownCondition(b.policy(), packet_, branch.condition) == false)
      b.CreateUnreachable(); // its verdict may read headers that are not there
    else
      goes_on = lowerTo(branch.then, current, done);
    b.startBlock(no);
    goes_on |= lowerTo(branch.otherwise, current, done);
    b.startBlock(done);
    if (!goes_on)
      b.CreateUnreachable();
    return goes_on;
  }

  void lowerAction(const ir::Action& action, const ir::Block& block, const Current& current) {
    debug_.setPlace(b, action.span);
    auto* done = b.block("done");
    if (lowerNeeds(b, packet_, action.needs, done)) {
      Reading reading(b, packet_, action.key, done);
      switch (action.kind) {
      case ir::ActionKind::Count:
        lowerCount(b, packet_, action);
        break;
      case ir::ActionKind::Emit:
        lowerEmit(b, packet_, action, current.slot, block.verdict ? ir::actionOf(*block.verdict) : abi::kNoVerdict);
        break;
      case ir::ActionKind::Add:
        lowerAdd(b, packet_, action);
        break;
      case ir::ActionKind::Remove:
        lowerRemove(b, packet_, action);
        break;
      case ir::ActionKind::Assign:
        lowerAssign(b, packet_, action);
        break;
      case ir::ActionKind::PushVlan:
      case ir::ActionKind::PopVlan:
        break; // lowerTags
      }
      b.CreateBr(done);
    }
    b.startBlock(done);
  }

  Builder& b;
  DebugInfo& debug_;
  const Packet& packet_;
  Verdicts& verdicts_;
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
  if (b.program().rewrites)
    exit.copied = b.CreatePHI(b.getInt1Ty(), 16, "copied");
  b.startBlock(exit.counted_block);
  exit.counted_verdict = b.CreatePHI(b.getInt32Ty(), 4, "verdict");
  exit.counted_slot = b.CreatePHI(b.getInt32Ty(), 4, "slot");
  if (b.program().rewrites)
    exit.counted_copied = b.CreatePHI(b.getInt1Ty(), 4, "copied");
  b.startBlock(before);
  return exit;
}

void finishExit(Builder& b, Exit& exit) {
  b.startBlock(exit.block);
  b.countPacket(exit.slot);
  exit.counted_verdict->addIncoming(exit.verdict, exit.block);
  exit.counted_slot->addIncoming(exit.slot, exit.block);
  if (exit.copied)
    exit.counted_copied->addIncoming(exit.copied, exit.block);
  b.CreateBr(exit.counted_block);

  b.startBlock(exit.counted_block);
  if (exit.counted_copied)
    writeBack(b, exit.counted_copied);
  // One question for both, so that neither costs a packet anything.
  auto *special = b.block("exit.special"), *test = b.block("exit.test"), *capture = b.block("exit.capture"),
       *leave = b.block("leave");
  llvm::Value* modes = b.config(offsetof(abi::Config, mode), 4);
  const auto has = [&](uint32_t mode) { return b.CreateICmpNE(b.CreateAnd(modes, b.u32(mode)), b.u32(0)); };
  b.CreateCondBr(has(abi::kModeTest | abi::kModeCapture), special, leave);
  b.startBlock(special);
  b.CreateCondBr(has(abi::kModeTest), test, capture);
  b.startBlock(test);
  b.storeAt(b.map(b.program().common.test), offsetof(abi::TestState, slot), exit.counted_slot);
  b.CreateBr(capture);
  b.startBlock(capture);
  captureIfAsked(b, exit.counted_slot, exit.counted_verdict, abi::kNoEvent);
  b.CreateBr(leave);
  b.startBlock(leave);
  b.CreateRet(exit.counted_verdict);
}

void lowerRules(Builder& b, DebugInfo& debug, const Packet& packet, Exit& exit) {
  Verdicts verdicts(b, debug, packet, exit);
  ListLowering(b, debug, packet, verdicts).run(0);
  // The last rule, `default`, ends every packet.
  b.CreateUnreachable();
  verdicts.finish();
}

} // namespace xdpc::lower
