// u64 rules_N(lanes, roots 0 and 1, roots 2 and 3, from): the result of the first row, not before `from`, that the
// lanes lie in; 0 without one. The kernel verifies it once. All trees are walked side by side, so that their loads
// overlap, and without branches on what is in them, which could not be predicted: a walk that has come to a leaf stays
// there, and all rows that a leaf holds are compared.
#include "compiler/lower/classifier.h"
#include "compiler/lower/classifier_key.h"
#include "compiler/lower/lookup.h"
#include "compiler/plan/box_table.h"
#include "compiler/plan/classifier_hash.h"
#include "compiler/plan/classifier_tree.h"

namespace xdpc::lower {
namespace {

using Node = plan::TreeNode;

enum class Rows : uint8_t { all, later }; // `from` is 0, or may be more

class ClassifierFunction {
public:
  ClassifierFunction(Builder& b, const plan::ClassifierView& view, Rows rows) : b(b), view_(view), asked_(rows) {}

  void run() {
    llvm::Function& function = b.function();
    none_ = b.block("none");
    auto* there = b.block("there");
    b.CreateCondBr(b.CreateIsNull(function.getArg(0)), none_, there); // never, but the verifier wants it asked
    b.startBlock(none_);
    b.CreateRet(b.u64(0));
    b.startBlock(there);
    key_.emplace(b, view_, none_);
    if (view_.hash)
      return lookUp(*view_.hash);
    from_ = function.getArg(3);
    llvm::SmallVector<llvm::Value*> nodes; // of each tree: words
    for (unsigned tree = 0; tree < view_.walks.size(); ++tree)
      nodes.push_back(loadNode(rootOf(tree)));
    unsigned levels = 0;
    for (const plan::ClassifierWalk& walk : view_.walks)
      levels = std::max(levels, walk.levels);
    for (unsigned level = 0; level < levels; ++level)
      for (size_t tree = 0; tree < nodes.size(); ++tree)
        if (level < view_.walks[tree].levels)
          nodes[tree] = stepOrStay(nodes[tree]);
    if (nodes.size() == 1 && areInline())
      return void(b.CreateRet(onlyResult(leafBehind(nodes[0], view_.walks[0]))));
    best_ = b.u64(noRow());
    for (size_t tree = 0; tree < nodes.size(); ++tree)
      compareLeaf(leafBehind(nodes[tree], view_.walks[tree]));
    llvm::Value* best = b.pinned(best_);
    auto* inside = b.block("inside");
    b.CreateCondBr(b.CreateICmpULE(best, b.u64(noRow())), inside, none_);
    b.startBlock(inside);
    b.CreateRet(resultOf(best));
  }

private:
  // A row's number or its result. `outside`: all ones where the key does not lie in the row, else 0.
  enum class What : uint8_t { row, result };
  struct Compared {
    llvm::Value *number, *outside;
  };

  // The one slot that the key can be in.
  void lookUp(const plan::ClassifierHash& hash) {
    Words key;
    for (unsigned word = 0; word < view_.words; ++word)
      key.push_back(key_->word(word));
    key[hash.group_word] = b.CreateAdd(key[hash.group_word], b.CreateShl(rootOf(0), hash.group_shift));
    llvm::Value* hashed = hashOf(b, key, plan::kRowSeed, plan::HashOf::first_table);
    llvm::Value* group = b.CreateLShr(hashed, plan::factorShift(hash.factors.count));
    llvm::Value* factor = b.CreateZExt(b.loadAt(tableElement(b, hash.factors, group, 4), 0, 4), b.getInt64Ty());
    llvm::Value* moved = b.CreateMul(b.CreateXor(hashed, b.CreateLShr(hashed, 29)), factor);
    llvm::Value* slot =
        b.pinned(tableElement(b, hash.slots, partOf(b, moved, hash.slots.count), (view_.words + 1) * 8));
    llvm::Value* difference = b.u64(0);
    for (unsigned word = 0; word < view_.words; ++word)
      difference = b.CreateOr(difference, b.CreateXor(b.loadAt(slot, word * 8, 8), key[word]));
    auto* found = b.block("found");
    b.CreateCondBr(b.CreateIsNull(difference), found, none_);
    b.startBlock(found);
    b.CreateRet(b.loadAt(slot, view_.words * 8, 8));
  }

  // The last row is one that no key lies in.
  uint32_t noRow() const { return view_.results.count - 1; }
  unsigned rowBits() const { return std::max(1u, static_cast<unsigned>(std::bit_width(noRow()))); }
  unsigned rowsInLeaf() const { return std::min(plan::kMaxInline, Node::kListAt / rowBits()); }

  llvm::Value* rootOf(unsigned tree) {
    llvm::Value* pair = b.function().getArg(1 + tree / 2);
    return tree % 2 ? b.CreateLShr(pair, 32) : b.CreateAnd(pair, UINT32_MAX);
  }

  llvm::Value* loadNode(llvm::Value* index) {
    return b.pinned(b.loadAt(checkedElement(b, view_.nodes, index, 8, none_), 0, 8));
  }

  // All ones of a negative number, else 0.
  llvm::Value* signOf(llvm::Value* value) { return b.opaque(b.CreateAShr(value, 63)); }

  llvm::Value* window(llvm::Value* node, unsigned which) {
    llvm::Value* shift = b.CreateAnd(b.CreateLShr(node, which == 0 ? Node::kShift0At : Node::kShift1At), 63);
    llvm::Value* mask =
        b.CreateAnd(b.CreateLShr(node, which == 0 ? Node::kMask0At : Node::kMask1At), (1u << plan::kMaxCutBits) - 1);
    return b.CreateAnd(b.CreateLShr(key_->wordOf(node, which), shift), mask);
  }

  llvm::Value* childOf(llvm::Value* node) {
    llvm::Value* base = b.CreateAnd(node, (1u << Node::kBaseBits) - 1);
    return b.CreateAdd(b.CreateAdd(base, window(node, 0)), window(node, 1));
  }

  // From a leaf to itself; what is loaded then is the first node.
  llvm::Value* stepOrStay(llvm::Value* node) {
    llvm::Value* is_leaf = signOf(node);
    llvm::Value* next = loadNode(b.opaque(b.CreateAnd(childOf(node), b.CreateNot(is_leaf))));
    return b.CreateXor(next, b.CreateAnd(b.CreateXor(node, next), is_leaf));
  }

  llvm::Value* leafBehind(llvm::Value* node, const plan::ClassifierWalk& walk) {
    return walk.depth > walk.levels ? walkOn(node, walk.depth - walk.levels) : node;
  }

  // The levels that few walks come to, `most` of them.
  llvm::Value* walkOn(llvm::Value* first, unsigned most) {
    auto *loop = b.block("level"), *more = b.block("more"), *leaf = b.block("leaf");
    auto* before = b.GetInsertBlock();
    b.CreateBr(loop);
    b.startBlock(loop);
    llvm::PHINode *node = b.CreatePHI(b.getInt64Ty(), 2, "node"), *turn = b.CreatePHI(b.getInt64Ty(), 2, "turn");
    node->addIncoming(first, before);
    turn->addIncoming(b.u64(0), before);
    b.CreateCondBr(b.CreateICmpSLT(node, b.u64(0)), leaf, more);
    b.startBlock(more);
    llvm::Value* next = loadNode(b.opaque(childOf(node)));
    llvm::Value* next_turn = b.opaque(b.CreateAdd(turn, b.u64(1)));
    node->addIncoming(next, b.GetInsertBlock());
    turn->addIncoming(next_turn, b.GetInsertBlock());
    b.CreateCondBr(b.CreateICmpULE(next_turn, b.u64(most)), loop, none_);
    b.startBlock(leaf);
    return node;
  }

  bool areInline() const { return view_.longest <= rowsInLeaf(); }

  // Of a row that is one of the view's.
  llvm::Value* resultOf(llvm::Value* row) {
    return b.loadAt(tableElement(b, view_.results, row, view_.result_bytes), 0, 8);
  }

  // Makes best_ the first of the leaf's rows that match, if it comes before.
  void compareLeaf(llvm::Value* leaf) {
    if (areInline())
      return compareInline(leaf);
    auto *list = b.block("list"), *rows = b.block("rows"), *done = b.block("done");
    llvm::Value* before = best_;
    b.CreateCondBr(b.CreateIsNull(b.CreateAnd(leaf, Node::kList)), rows, list);
    b.startBlock(list);
    compareList(leaf, done);
    auto* from_list = b.GetInsertBlock();
    llvm::Value* listed = std::exchange(best_, before);
    b.startBlock(rows);
    compareInline(leaf);
    auto* from_rows = b.GetInsertBlock();
    b.CreateBr(done);
    b.startBlock(done);
    llvm::PHINode* best = b.CreatePHI(b.getInt64Ty(), 2, "best");
    best->addIncoming(listed, from_list);
    best->addIncoming(best_, from_rows);
    best_ = best;
  }

  // The first of the leaf's rows that match. In pairs, and pairs of pairs: what waits for what is short.
  Compared firstInline(llvm::Value* leaf, What what) {
    llvm::SmallVector<Compared> rows;
    for (unsigned i = 0; i < std::min(rowsInLeaf(), view_.longest); ++i) {
      llvm::Value* row = b.CreateAnd(b.CreateLShr(leaf, i * rowBits()), (uint64_t{1} << rowBits()) - 1);
      rows.push_back(compared(b.opaque(row), what));
    }
    while (rows.size() > 1) {
      llvm::SmallVector<Compared> pairs;
      for (size_t i = 0; i < rows.size(); i += 2)
        pairs.push_back(i + 1 < rows.size() ? firstOf(rows[i], rows[i + 1]) : rows[i]);
      rows = std::move(pairs);
    }
    return rows.empty() ? Compared{b.u64(0), b.u64(UINT64_MAX)} : rows[0];
  }

  void compareInline(llvm::Value* leaf) { improve(firstInline(leaf, What::row)); }

  // Without another tree, results are compared with nothing.
  llvm::Value* onlyResult(llvm::Value* leaf) {
    const Compared found = firstInline(leaf, What::result);
    return b.CreateAnd(found.number, b.CreateNot(found.outside));
  }

  // Ends the block, which goes on to `done`.
  void compareList(llvm::Value* leaf, llvm::BasicBlock* done) {
    auto* loop = b.block("listed");
    llvm::Value* start = b.CreateAnd(leaf, UINT32_MAX);
    llvm::Value* count = b.CreateAnd(b.CreateLShr(leaf, Node::kCountAt), 0xff);
    auto *before = b.GetInsertBlock(), *first = loop;
    b.CreateBr(loop);
    b.startBlock(loop);
    llvm::PHINode *turn = b.CreatePHI(b.getInt64Ty(), 2, "turn"), *best = b.CreatePHI(b.getInt64Ty(), 2, "best");
    turn->addIncoming(b.u64(0), before);
    best->addIncoming(best_, before);
    best_ = best;
    llvm::Value* place = b.opaque(b.CreateAdd(start, turn));
    llvm::Value* element = checkedElement(b, view_.lists, place, 4, none_);
    compareRow(b.opaque(b.CreateZExt(b.loadAt(element, 0, 4), b.getInt64Ty())));
    llvm::Value* next = b.opaque(b.CreateAdd(turn, b.u64(1)));
    auto *last = b.GetInsertBlock(), *again = b.block("again");
    b.CreateCondBr(b.CreateICmpULT(next, count), again, done);
    b.startBlock(again);
    turn->addIncoming(next, again);
    best->addIncoming(best_, again);
    b.CreateCondBr(b.CreateICmpULT(next, b.u64(view_.longest)), first, none_);
    b.startBlock(last);
  }

  Compared compared(llvm::Value* row, What what = What::row) {
    auto* inside = b.block("row");
    b.CreateCondBr(b.CreateICmpULE(row, b.u64(noRow())), inside, none_);
    b.startBlock(inside);
    llvm::Value* outside = outsideOf(row);
    if (asked_ == Rows::later)
      outside = b.CreateOr(outside, signOf(b.CreateSub(row, from_)));
    return {what == What::result ? resultOf(row) : row, outside};
  }

  // Of two rows of a leaf, which are in order.
  Compared firstOf(const Compared& one, const Compared& next) {
    llvm::Value* differs = b.CreateXor(one.number, next.number);
    return {b.CreateXor(one.number, b.CreateAnd(differs, one.outside)), b.CreateAnd(one.outside, next.outside)};
  }

  // best_ becomes the row if the key lies in it and it comes before.
  void improve(const Compared& found) {
    llvm::Value* row = b.CreateOr(found.number, b.CreateLShr(found.outside, 1)); // too large where it does not
    llvm::Value* before = b.CreateSub(row, best_);
    best_ = b.CreateAdd(best_, b.CreateAnd(before, signOf(before)));
  }

  void compareRow(llvm::Value* row) { improve(compared(row)); }

  llvm::Value* outsideOf(llvm::Value* row) {
    llvm::Value *offset = b.CreateMul(b.pinned(row), b.u64(view_.row_bytes)), *set = b.u64(0);
    for (unsigned word = 0; word < view_.words; ++word) {
      if (view_.guards[word] == 0)
        continue;
      llvm::Value* bounds = b.at(tableBase(b, view_.bounds[word]), offset);
      llvm::Value* below = b.CreateSub(b.loadAt(bounds, offsetof(plan::RowBounds, below), 8), key_->word(word));
      llvm::Value* above = b.CreateAdd(b.loadAt(bounds, offsetof(plan::RowBounds, above), 8), key_->word(word));
      set = b.CreateOr(set, b.CreateAnd(b.CreateOr(below, above), view_.guards[word]));
    }
    return signOf(b.CreateNeg(set)); // the highest bit of a word is no guard
  }

  Builder& b;
  const plan::ClassifierView& view_;
  const Rows asked_;
  llvm::BasicBlock* none_ = nullptr;
  std::optional<ClassifierKey> key_;
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
  const auto make = [&](const std::string& name, Span place, const plan::ClassifierView& view, Rows rows) {
    llvm::Function* function = declare(module, name);
    debug.enterKeyFunction(*function, keyLanes(view) / 2, 3);
    Builder b(program, module, *function, globals);
    b.startBlock(b.block("entry"));
    debug.setPlace(b, place);
    ClassifierFunction(b, view, rows).run();
    globals.classifiers[&view] = function;
  };
  unsigned number = 0;
  for (const plan::Classifier& classifier : program.classifiers)
    for (const plan::ClassifierView& view : classifier.views)
      make("rules_" + std::to_string(number++), program.policy->lists[classifier.list].items[classifier.first].span,
           view, classifier.rounds > 1 ? Rows::later : Rows::all);
  number = 0;
  for (const plan::BoxTable& table : program.boxes)
    for (const plan::BoxShape& shape : table.shapes)
      make("boxes_" + std::to_string(number++), table.place, shape.tree.views[0], Rows::all);
}

} // namespace xdpc::lower
