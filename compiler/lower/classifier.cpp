// The key of a leaf's packets, and what follows from the answer.
#include "compiler/lower/classifier.h"
#include "compiler/ir/verdict.h"
#include "compiler/lower/value.h"

#include <llvm/Support/ErrorHandling.h>

#include <algorithm>

namespace xdpc::lower {
namespace {

class ClassifierLowering {
public:
  ClassifierLowering(Builder& b, const Packet& packet, const plan::Classifier& classifier, Verdicts& verdicts,
                     const BodyLowering& body)
      : b(b), packet_(packet), classifier_(classifier), verdicts_(verdicts), body_(body) {}

  void run(const plan::ClassifierRoot& root) {
    const plan::ClassifierView& view = classifier_.views[*root.view];
    auto *next = b.block("next"), *found = b.block("found"), *again = b.block("again");
    const unsigned rounds = roundsAt(root);
    auto* words = storedKey(view);
    llvm::PHINode *from = nullptr, *turn = nullptr;
    if (rounds > 1) {
      auto *before = b.GetInsertBlock(), *lookup = b.block("lookup");
      b.CreateBr(lookup);
      b.startBlock(lookup);
      from = b.CreatePHI(b.getInt64Ty(), 2, "from");
      turn = b.CreatePHI(b.getInt64Ty(), 2, "turn");
      from->addIncoming(b.u64(0), before);
      turn->addIncoming(b.u64(0), before);
    }
    auto* lookup = b.GetInsertBlock();
    llvm::Value* result = askClassifier(b, view, root, words, from ? from : b.u64(0));
    b.CreateCondBr(b.CreateICmpSLT(result, b.u64(0)), found, next);
    b.startBlock(found);
    chooseBody(root, result, rounds > 1 ? again : next, next);
    b.startBlock(again);
    if (rounds > 1) {
      llvm::Value* next_turn = b.opaque(b.CreateAdd(turn, b.u64(1)));
      from->addIncoming(b.CreateAnd(result, Result::kMaxRows), again);
      turn->addIncoming(next_turn, again);
      b.CreateCondBr(b.CreateICmpULT(next_turn, b.u64(rounds)), lookup, next);
    } else {
      again->eraseFromParent();
    }
    b.startBlock(next);
  }

private:
  using Result = plan::ClassifierResult;

  // Values of absent headers are zero: rows that ask for them are in no tree of this leaf.
  llvm::Value* storedKey(const plan::ClassifierView& view) {
    llvm::Value* key = keyBuffer();
    storeLanes(b, view, key, [&](uint32_t index) -> std::optional<ReadLane> {
      const plan::ClassifierValue& value = classifier_.values[index];
      if (value.header && !packet_.find(b.policy(), *value.header))
        return std::nullopt;
      return ReadLane{lowerValue(b, packet_, value.expr), value.dropped};
    });
    return key;
  }

  // One for all classifiers, and of its own: bodies between two lookups use the builder's scratch buffer.
  llvm::Value* keyBuffer() {
    constexpr const char* name = "classifier.key";
    llvm::BasicBlock& first = b.function().getEntryBlock();
    for (llvm::Instruction& one : first)
      if (one.getName() == name)
        return &one;
    unsigned lanes = 1;
    for (const plan::Classifier& classifier : b.program().classifiers)
      for (const plan::ClassifierView& view : classifier.views)
        lanes = std::max(lanes, keyLanes(view));
    llvm::IRBuilder<> entry(&first, first.begin());
    auto* buffer = entry.CreateAlloca(llvm::ArrayType::get(entry.getInt32Ty(), lanes), nullptr, name);
    buffer->setAlignment(llvm::Align(8));
    return buffer;
  }

  // Rules that a packet of this leaf may go on behind are at most as many as in all of the run.
  unsigned roundsAt(const plan::ClassifierRoot& root) const {
    const bool goes_on = std::ranges::any_of(
        root.bodies, [&](uint32_t body) { return classifier_.bodies[body - plan::kFirstBody].goes_on; });
    return goes_on ? classifier_.rounds : 1;
  }

  // By the result's body; to `again` behind one that goes on.
  void chooseBody(const plan::ClassifierRoot& root, llvm::Value* result, llvm::BasicBlock* again,
                  llvm::BasicBlock* none) {
    llvm::Value* body = b.CreateAnd(b.CreateLShr(result, Result::kBodyAt), Result::kMaxBodies - 1);
    llvm::Value* slot = boundedSlot(result, none);
    for (uint32_t number : root.bodies) {
      auto *this_one = b.block("body"), *others = b.block("bodies");
      b.CreateCondBr(b.CreateICmpEQ(body, b.u64(number)), this_one, others);
      b.startBlock(this_one);
      body_(classifier_.bodies[number - plan::kFirstBody], slot, again);
      b.startBlock(others);
    }
    endPlain(body, slot);
  }

  void endPlain(llvm::Value* body, llvm::Value* slot) {
    for (ir::Verdict verdict : classifier_.verdicts) {
      if (!verdicts_.observed(verdict))
        continue;
      auto *this_one = b.block("verdict"), *others = b.block("verdict.others");
      llvm::Value* action = b.u32(ir::actionOf(verdict));
      b.CreateCondBr(b.CreateICmpEQ(body, b.u64(ir::actionOf(verdict))), this_one, others);
      b.startBlock(this_one);
      verdicts_.end(verdict, action, slot, Counted::here);
      b.startBlock(others);
    }
    verdicts_.endUnobserved(b.CreateTrunc(body, b.getInt32Ty()), slot);
  }

  // As the verifier sees it; the table holds no others.
  llvm::Value* boundedSlot(llvm::Value* result, llvm::BasicBlock* none) {
    auto* inside = b.block("slot");
    llvm::Value* slot = b.opaque(b.CreateAnd(b.CreateLShr(result, Result::kSlotAt), Result::kMaxSlots - 1));
    b.CreateCondBr(b.CreateICmpULT(slot, b.u64(b.program().manifest.slots.size())), inside, none);
    b.startBlock(inside);
    return b.CreateTrunc(b.pinned(slot), b.getInt32Ty());
  }

  Builder& b;
  const Packet& packet_;
  const plan::Classifier& classifier_;
  Verdicts& verdicts_;
  const BodyLowering& body_;
};

llvm::Value* partOf(Builder& b, const Value& value, unsigned from) {
  llvm::Value* word = from >= 64 ? value.high : b.CreateZExt(value.low, b.getInt64Ty());
  return b.CreateLShr(word, from % 64);
}

} // namespace

void storeLanes(Builder& b, const plan::ClassifierView& view, llvm::Value* key, const LaneReader& read) {
  llvm::SmallVector<llvm::Value*> lanes(keyLanes(view), b.getInt32(0));
  std::map<uint32_t, std::optional<ReadLane>> values;
  for (size_t i = 0; i < view.lanes.size(); ++i) {
    const plan::ClassifierLane& lane = view.lanes[i];
    const auto [known, fresh] = values.try_emplace(lane.value);
    if (fresh)
      known->second = read(lane.value);
    if (!known->second)
      continue;
    const auto& [value, dropped] = *known->second;
    llvm::Value* bits = b.CreateTrunc(partOf(b, value, dropped + lane.from), b.getInt32Ty());
    lanes[i] = b.CreateAnd(bits, uint32_t((uint64_t{1} << lane.value_bits) - 1));
  }
  for (size_t i = 0; i < lanes.size(); ++i)
    b.storeAt(key, i * 4, lanes[i]);
}

llvm::Value* askClassifier(Builder& b, const plan::ClassifierView& view, const plan::ClassifierRoot& root,
                           llvm::Value* key, llvm::Value* from) {
  uint64_t pairs[2] = {0, 0}; // 0: an empty leaf
  for (size_t tree = 0; tree < root.trees.size(); ++tree)
    pairs[tree / 2] |= uint64_t{root.trees[tree]} << (tree % 2 ? 32 : 0);
  return b.CreateCall(b.globals().classifiers.at(&view), {key, b.u64(pairs[0]), b.u64(pairs[1]), from});
}

unsigned keyLanes(const plan::ClassifierView& view) {
  return std::max<unsigned>(2, (view.lanes.size() + 1) / 2 * 2);
}

const plan::ClassifierRoot* rootFor(const ir::Policy& policy, const Packet& packet,
                                    const plan::Classifier& classifier) {
  uint64_t signature = 0;
  for (size_t bit = 0; bit < classifier.atoms.size(); ++bit)
    if (packet.find(policy, classifier.atoms[bit]))
      signature |= uint64_t{1} << bit;
  const auto root = classifier.roots.find(signature);
  return root == classifier.roots.end() ? nullptr : &root->second;
}

void lowerClassifier(Builder& b, const Packet& packet, const plan::Classifier& classifier, Verdicts& verdicts,
                     const BodyLowering& body) {
  const plan::ClassifierRoot* root = rootFor(b.policy(), packet, classifier);
  if (!root)
    llvm::report_fatal_error("a leaf with headers that the plan took for impossible together");
  if (root->view)
    ClassifierLowering(b, packet, classifier, verdicts, body).run(*root);
}

} // namespace xdpc::lower
