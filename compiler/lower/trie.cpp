// Lowers tries: one level after the other, until an entry is no node.
#include "compiler/lower/lookup.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {
namespace {

using plan::Trie;

class Walk {
public:
  Walk(Builder& b, const Trie& trie, const Words& key)
      : b(b), trie_(trie), key_(key), answer_(b), lists_(trie.forms.size()) {}

  llvm::Value* run() {
    llvm::Value* index = b.CreateLShr(key_[0], 64 - trie_.root_bits);
    llvm::Value* entry = load(boundedElementAt(b, trie_.levels[0].entries, index));
    unsigned shift = 64 - trie_.root_bits;
    for (size_t level = 1; level < trie_.levels.size(); ++level) {
      auto *deeper = b.block("deeper"), *ends = b.block("ends");
      b.CreateCondBr(hasKind(entry, Trie::node), deeper, ends);
      b.startBlock(ends);
      end(entry);
      b.startBlock(deeper);
      shift -= 8;
      entry = entryOf(trie_.levels[level], what(entry), shift);
    }
    end(entry);
    for (size_t form = 0; form < lists_.size(); ++form)
      if (lists_[form].start)
        finishList(trie_.forms[form], lists_[form]);
    finishBelow();
    return answer_.finish();
  }

private:
  // What leads to a form of list.
  struct Ways {
    llvm::BasicBlock* start = nullptr;
    std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> from;
  };

  llvm::Value* load(llvm::Value* at) { return b.CreateZExt(b.loadAt(at, 0, 4), b.getInt64Ty()); }
  llvm::Value* what(llvm::Value* entry) { return b.CreateLShr(entry, Trie::kKindBits); }
  llvm::Value* kindOf(llvm::Value* entry) { return b.CreateAnd(entry, (1u << Trie::kKindBits) - 1); }
  llvm::Value* hasKind(llvm::Value* entry, Trie::Kind kind) { return b.CreateICmpEQ(kindOf(entry), b.u64(kind)); }
  void give(llvm::Value* entry) { answer_.give(b.CreateTrunc(what(entry), b.getInt32Ty())); }

  llvm::Value* entryOf(const Trie::Level& level, llvm::Value* node, unsigned shift) {
    llvm::Value* slot = b.CreateAnd(b.CreateLShr(key_[0], shift), Trie::kSlots - 1);
    if (!level.ranked)
      return load(
          elementAt(b, level.entries, b.CreateAdd(b.CreateMul(node, b.u64(Trie::kSlots)), slot), answer_.none()));
    llvm::Value* word = b.opaque(b.CreateLShr(slot, 6));
    llvm::Value* at = elementAt(b, level.nodes, node, answer_.none());
    llvm::Value* marks = b.loadAt(b.at(at, b.CreateMul(word, b.u64(8))), 0, 8);
    llvm::Value* before = load(b.at(b.at(at, Trie::kWords * 8), b.CreateMul(word, b.u64(4))));
    // Up to the slot and with it: all others are shifted out.
    llvm::Value* up_to = b.CreateShl(marks, b.CreateXor(b.CreateAnd(slot, 63), 63));
    llvm::Value* rank = b.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, up_to);
    return load(elementAt(b, level.entries, b.CreateSub(b.CreateAdd(before, rank), b.u64(1)), answer_.none()));
  }

  // Of an entry that is no node.
  void end(llvm::Value* entry) {
    auto* kinds = b.CreateSwitch(kindOf(entry), answer_.none());
    auto* number = b.block("number");
    kinds->addCase(b.getInt64(Trie::number), number);
    for (size_t form = 0; form < trie_.forms.size(); ++form) {
      if (!trie_.forms[form].elements.count)
        continue;
      if (!lists_[form].start)
        lists_[form].start = b.block("list");
      kinds->addCase(b.getInt64(Trie::lists + form), lists_[form].start);
      lists_[form].from.emplace_back(entry, b.GetInsertBlock());
    }
    if (trie_.low)
      kinds->addCase(b.getInt64(Trie::below), below());
    b.startBlock(number);
    give(entry);
  }

  llvm::BasicBlock* below() { return below_ ? below_ : below_ = b.block("below"); }

  void finishList(const Trie::Lists& lists, const Ways& ways) {
    b.startBlock(ways.start);
    auto* entry = b.CreatePHI(b.getInt64Ty(), static_cast<unsigned>(ways.from.size()));
    for (auto [value, block] : ways.from)
      entry->addIncoming(value, block);
    const Trie::ListForm& form = lists.form;
    llvm::Value* list = elementAt(b, lists.elements, what(entry), answer_.none());
    llvm::Value* run = b.opaque(b.CreateSub(b.u64(form.runs - 1), boundsAbove(form, list)));
    if (!form.state_bits) {
      // The verifier has lost what the sum may be.
      auto* known = b.block("known");
      b.CreateCondBr(b.CreateICmpULT(run, b.u64(form.runs)), known, answer_.none());
      b.startBlock(known);
      llvm::Value* found = load(b.at(b.at(list, form.entries_at), b.opaque(b.CreateMul(run, b.u64(4)))));
      return giveFound(found, b.CreateICmpEQ(kindOf(found), b.u64(Trie::below)));
    }
    llvm::Value* states = b.loadAt(list, form.entries_at, 8);
    llvm::Value* state = b.CreateLShr(states, b.CreateMul(run, b.u64(form.state_bits)));
    llvm::Value* is_below = b.CreateICmpNE(b.CreateAnd(state, 2), b.u64(0));
    giveFound(b.CreateShl(b.CreateAnd(state, 1), Trie::kKindBits), is_below);
  }

  // The number of bounds that the key does not reach. All keys that come here begin alike in front of what a bound
  // holds, so that differences have a sign.
  llvm::Value* boundsAbove(const Trie::ListForm& form, llvm::Value* list) {
    llvm::Value* key = key_[0];
    if (form.bound_bytes < 8)
      key = b.CreateAnd(b.CreateLShr(key, form.shift), (uint64_t{1} << 8 * form.bound_bytes) - 1);
    llvm::Value* above = b.u64(0);
    for (unsigned i = 0; i + 1 < form.runs; ++i) {
      llvm::Value* bound =
          b.CreateZExt(b.loadAt(list, uint64_t{i} * form.bound_bytes, form.bound_bytes), b.getInt64Ty());
      above = b.CreateAdd(above, b.CreateLShr(b.opaque(b.CreateSub(key, bound)), 63));
    }
    return above;
  }

  void giveFound(llvm::Value* entry, llvm::Value* is_below) {
    if (trie_.low) {
      auto* plain = b.block("plain");
      b.CreateCondBr(is_below, below(), plain);
      b.startBlock(plain);
    }
    give(entry);
  }

  void finishBelow() {
    if (!below_)
      return;
    b.startBlock(below_);
    llvm::Value* row = b.CreateZExt(lowerSorted(b, *trie_.low, key_), b.getInt64Ty());
    // No row is row 0, and what lies before the first number is none.
    llvm::Value* number = elementAt(b, trie_.low_numbers, b.CreateSub(row, b.u64(1)), answer_.none());
    answer_.give(b.loadAt(number, 0, 4));
  }

  Builder& b;
  const Trie& trie_;
  const Words& key_;
  Answer answer_;
  std::vector<Ways> lists_; // by form
  llvm::BasicBlock* below_ = nullptr;
};

} // namespace

llvm::Value* lowerTrie(Builder& b, const Trie& trie, const Words& key) {
  return Walk(b, trie, key).run();
}

} // namespace xdpc::lower
