// u64 rules_N(key, roots 0 and 1, roots 2 and 3, from | rows << 32): the result of the first row, not before `from`,
// that the key lies in; 0 without one. The kernel verifies it once; each level of the trees is code of its own, so
// that its branch is predicted by itself.
#include "compiler/lower/classifier.h"
#include "compiler/plan/classifier_tree.h"

#include <bit>

namespace xdpc::lower {
namespace {

class ClassifierFunction {
public:
  ClassifierFunction(Builder& b, const plan::ClassifierView& view) : b(b), view_(view) {}

  void run() {
    llvm::Function& function = b.function();
    auto *there = b.block("there"), *none = b.block("none"), *found = b.block("found");
    b.CreateCondBr(b.CreateIsNull(function.getArg(0)), none, there); // never, but the verifier wants it asked
    b.startBlock(none);
    b.CreateRet(b.u64(0));
    b.startBlock(there);
    loadKey();
    from_ = b.CreateAnd(function.getArg(3), UINT32_MAX);
    llvm::Value* rows = b.CreateLShr(function.getArg(3), 32);
    best_ = rows;
    for (unsigned tree = 0; tree < view_.trees; ++tree)
      walk(rootOf(tree));
    b.CreateCondBr(b.CreateICmpULT(best_, b.u64(view_.results.count)), found, none);
    b.startBlock(found);
    b.CreateRet(b.loadAt(element(view_.results, best_, 8), 0, 8));
  }

private:
  llvm::Value* base(const plan::TableBytes& bytes) { return b.at(b.map(bytes.map), bytes.offset); }

  // Behind the compare with how many there are. Pinned: the address must be made of what was compared, not before it.
  llvm::Value* element(const plan::TableBytes& bytes, llvm::Value* index, uint64_t size) {
    return b.at(base(bytes), b.CreateMul(b.pinned(index), b.u64(size)));
  }

  void loadKey() {
    for (unsigned word = 0; word < view_.words; ++word) {
      key_.push_back(b.loadAt(b.function().getArg(0), uint64_t{word} * 8, 8));
      guarded_.push_back(b.CreateOr(key_.back(), view_.guards[word]));
    }
  }

  llvm::Value* rootOf(unsigned tree) {
    llvm::Value* pair = b.function().getArg(1 + tree / 2);
    return tree % 2 ? b.CreateLShr(pair, 32) : b.CreateAnd(pair, UINT32_MAX);
  }

  // Sets best_ to the first matching row of the tree, if it comes before. A root that is no node is no tree.
  void walk(llvm::Value* index) {
    auto *leaf = b.block("leaf"), *next = b.block("tree.next");
    auto* from = b.GetInsertBlock();
    b.startBlock(leaf);
    llvm::PHINode* node = b.CreatePHI(b.getInt64Ty(), view_.depth + 1, "node");
    b.startBlock(next);
    llvm::PHINode* best = b.CreatePHI(b.getInt64Ty(), view_.depth + 4, "best");
    b.startBlock(from);
    for (unsigned level = 0; level <= view_.depth; ++level) {
      auto *inside = b.block("node"), *more = b.block("cut");
      best->addIncoming(best_, b.GetInsertBlock());
      b.CreateCondBr(b.CreateICmpULT(index, b.u64(view_.nodes.count)), inside, next);
      b.startBlock(inside);
      llvm::Value* word = b.loadAt(element(view_.nodes, index, 8), 0, 8);
      llvm::Value* mask = b.CreateLShr(word, plan::TreeNode::kMaskAt);
      node->addIncoming(word, inside);
      b.CreateCondBr(b.CreateICmpEQ(mask, b.u64(0)), leaf, level < view_.depth ? more : next);
      if (level == view_.depth) {
        best->addIncoming(best_, inside);
        more->eraseFromParent();
        break;
      }
      b.startBlock(more);
      index = b.opaque(b.CreateAdd(b.CreateAnd(word, UINT32_MAX), childOf(word, mask)));
    }
    b.startBlock(leaf);
    compareRows(node, *best, next);
    b.startBlock(next);
    best_ = best;
  }

  llvm::Value* childOf(llvm::Value* node, llvm::Value* mask) {
    llvm::Value* shift = b.CreateAnd(b.CreateLShr(node, plan::TreeNode::kShiftAt), 63);
    return b.CreateAnd(b.CreateLShr(keyWord(node), shift), mask);
  }

  // A bounded offset into the key.
  llvm::Value* keyWord(llvm::Value* node) {
    if (view_.words == 1)
      return key_[0];
    llvm::Value* word = b.CreateAnd(b.CreateLShr(node, plan::TreeNode::kWordAt), std::bit_ceil(view_.words) - 1);
    return b.loadAt(b.at(b.function().getArg(0), b.CreateShl(b.opaque(word), 3)), 0, 8);
  }

  // The leaf's rows in turn.
  void compareRows(llvm::Value* node, llvm::PHINode& best, llvm::BasicBlock* next) {
    auto *row_block = b.block("row"), *known = b.block("row.known"), *before = b.block("row.before"),
         *compare = b.block("row.compare"), *behind = b.block("row.behind"), *bounded = b.block("row.bounded");
    llvm::Value* start = b.CreateAnd(node, UINT32_MAX);
    llvm::Value* count = b.CreateAnd(b.CreateLShr(node, plan::TreeNode::kWordAt), 0xff);
    llvm::Value* end = b.opaque(b.CreateAdd(start, count));
    auto* leaf = b.GetInsertBlock();
    b.CreateBr(row_block);
    b.startBlock(row_block);
    llvm::PHINode *place = b.CreatePHI(b.getInt64Ty(), 2, "place"), *turn = b.CreatePHI(b.getInt64Ty(), 2, "turn");
    place->addIncoming(start, leaf);
    turn->addIncoming(b.u64(0), leaf);
    auto leave = [&](llvm::Value* when, llvm::BasicBlock* otherwise, llvm::Value* found) {
      best.addIncoming(found, b.GetInsertBlock());
      b.CreateCondBr(when, next, otherwise);
      b.startBlock(otherwise);
    };
    leave(b.CreateICmpUGE(place, end), known, best_);
    leave(b.CreateICmpUGE(place, b.u64(view_.leaves.count)), before, best_);
    llvm::Value* row = b.CreateZExt(b.loadAt(element(view_.leaves, place, 4), 0, 4), b.getInt64Ty());
    leave(b.CreateICmpUGE(row, best_), bounded, best_);
    leave(b.CreateICmpUGE(row, b.u64(view_.results.count)), compare, best_);
    llvm::Value* here = b.CreateAnd(isInside(row), b.CreateICmpUGE(row, from_));
    leave(here, behind, row);
    llvm::Value* next_turn = b.opaque(b.CreateAdd(turn, b.u64(1)));
    place->addIncoming(b.CreateAdd(place, b.u64(1)), behind);
    turn->addIncoming(next_turn, behind);
    best.addIncoming(best_, behind);
    b.CreateCondBr(b.CreateICmpULT(next_turn, b.u64(view_.longest)), row_block, next);
  }

  // Where a lane of the key is below its lower or above its upper bound, the guard above it is borrowed from.
  llvm::Value* isInside(llvm::Value* row) {
    llvm::Value* offset = b.CreateMul(b.pinned(row), b.u64(view_.row_bytes));
    llvm::Value* missing = b.u64(0);
    for (unsigned word = 0; word < view_.words; ++word) {
      if (view_.guards[word] == 0)
        continue;
      llvm::Value* bounds = b.at(base(view_.bounds[word]), offset);
      llvm::Value* above = b.CreateSub(guarded_[word], b.loadAt(bounds, 0, 8));
      llvm::Value* below = b.CreateSub(b.loadAt(bounds, 8, 8), key_[word]);
      llvm::Value* kept = b.CreateAnd(b.CreateAnd(above, below), view_.guards[word]);
      missing = b.CreateOr(missing, b.CreateXor(kept, view_.guards[word]));
    }
    return b.CreateICmpEQ(missing, b.u64(0));
  }

  Builder& b;
  const plan::ClassifierView& view_;
  llvm::SmallVector<llvm::Value*> key_, guarded_; // i64, a word each
  llvm::Value *from_ = nullptr, *best_ = nullptr; // rows, i64
};

llvm::Function* declare(llvm::Module& module, const std::string& name) {
  auto& context = module.getContext();
  auto* u64 = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(u64, {llvm::PointerType::get(context, 0), u64, u64, u64}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::WeakAnyLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  return function;
}

} // namespace

void makeClassifierFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  unsigned number = 0;
  for (const plan::Classifier& classifier : program.classifiers)
    for (const plan::ClassifierView& view : classifier.views) {
      llvm::Function* function = declare(module, "rules_" + std::to_string(number++));
      debug.enterKeyFunction(*function, std::bit_ceil(view.words), 3);
      Builder b(program, module, *function, globals);
      b.startBlock(b.block("entry"));
      debug.setPlace(b, program.policy->lists[classifier.list].items[classifier.first].span);
      ClassifierFunction(b, view).run();
      globals.classifiers[&view] = function;
    }
}

} // namespace xdpc::lower
