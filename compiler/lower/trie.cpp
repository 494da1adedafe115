// Lowers tries: one level after the other, until an entry is no node.
#include "compiler/lower/lookup.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {
namespace {

using plan::Trie;

class Walk {
public:
  Walk(Builder& b, const Trie& trie, const Words& key) : b(b), trie_(trie), key_(key), answer_(b) {}

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
    finishLists();
    finishBelow();
    return answer_.finish();
  }

private:
  llvm::Value* load(llvm::Value* at) { return b.CreateZExt(b.loadAt(at, 0, 4), b.getInt64Ty()); }
  llvm::Value* what(llvm::Value* entry) { return b.CreateLShr(entry, 2); }
  llvm::Value* hasKind(llvm::Value* entry, Trie::Kind kind) {
    return b.CreateICmpEQ(b.CreateAnd(entry, 3), b.u64(kind));
  }
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

  // Of an entry that is no node, or of a list's.
  void end(llvm::Value* entry) {
    auto* kinds = b.CreateSwitch(b.CreateAnd(entry, 3), answer_.none());
    auto* number = b.block("number");
    kinds->addCase(b.getInt64(Trie::number), number);
    if (trie_.lists.count) {
      kinds->addCase(b.getInt64(Trie::list), lists_.block(b));
      lists_.from.emplace_back(entry, b.GetInsertBlock());
    }
    endBelow(kinds);
    b.startBlock(number);
    give(entry);
  }

  void endBelow(llvm::SwitchInst* kinds) {
    if (!trie_.low)
      return;
    if (!below_)
      below_ = b.block("below");
    kinds->addCase(b.getInt64(Trie::below), below_);
  }

  void finishLists() {
    if (lists_.from.empty())
      return;
    b.startBlock(lists_.start);
    auto* entry = b.CreatePHI(b.getInt64Ty(), static_cast<unsigned>(lists_.from.size()));
    for (auto [value, block] : lists_.from)
      entry->addIncoming(value, block);
    llvm::Value* number = what(entry);
    llvm::Value* list = elementAt(b, trie_.lists, number, answer_.none());
    // All keys that come here begin alike, so that differences have a sign.
    llvm::Value* below = b.u64(0);
    for (unsigned i = 0; i < Trie::kBounds; ++i) {
      llvm::Value* difference = b.CreateSub(key_[0], b.loadAt(list, 8 * i, 8));
      below = b.CreateAdd(below, b.CreateLShr(b.opaque(difference), 63));
    }
    llvm::Value* run = b.opaque(b.CreateSub(b.u64(Trie::kBounds), below));
    llvm::Value* found = nullptr;
    if (trie_.list_entries.count) {
      llvm::Value* index = b.CreateAdd(b.CreateMul(number, b.u64(Trie::kBounds + 1)), run);
      found = load(elementAt(b, trie_.list_entries, index, answer_.none()));
    } else {
      llvm::Value* states = b.loadAt(list, 8 * Trie::kBounds, 8);
      found = b.CreateAnd(b.CreateLShr(states, b.CreateMul(run, b.u64(8))), 0xff);
    }
    if (!trie_.low)
      return give(found);
    auto* plain = b.block("plain");
    auto* kinds = b.CreateSwitch(b.CreateAnd(found, 3), plain);
    endBelow(kinds);
    b.startBlock(plain);
    give(found);
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

  struct Lists {
    llvm::BasicBlock* start = nullptr;
    std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> from;
    llvm::BasicBlock* block(Builder& b) { return start ? start : start = b.block("list"); }
  };

  Builder& b;
  const Trie& trie_;
  const Words& key_;
  Answer answer_;
  Lists lists_;
  llvm::BasicBlock* below_ = nullptr;
};

} // namespace

llvm::Value* lowerTrie(Builder& b, const Trie& trie, const Words& key) {
  return Walk(b, trie, key).run();
}

} // namespace xdpc::lower
