// Lowers the walk: a bounded loop, in which every line is one look into the array, and its kind says where to go on.
#include "compiler/lower/prefix_trie.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {
namespace {

using abi::EntryKind;

class Walk {
public:
  Walk(Builder& b, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes, llvm::BasicBlock* no)
      : b(b), trie_(trie), address_(address), yes_(yes), no_(no), high_(address.front), low_(address.behind) {}

  void run() {
    llvm::Value* entry = rootEntry();
    auto* before = b.GetInsertBlock();
    auto *turn = b.block("turn"), *line = b.block("line"), *ends = b.block("ends");
    next_ = b.block("next");
    b.CreateBr(turn);
    b.startBlock(turn);
    auto* at = b.CreatePHI(b.getInt64Ty(), 2);
    auto* key = b.CreatePHI(b.getInt64Ty(), 2);
    auto* depth = b.CreatePHI(b.getInt64Ty(), 2);
    at->addIncoming(entry, before);
    key->addIncoming(high_, before);
    depth->addIncoming(b.u64(0), before);
    llvm::Value* kind = b.CreateAnd(at, abi::kEntryKindMask);
    b.CreateCondBr(b.CreateICmpUGE(kind, b.u64(static_cast<uint64_t>(EntryKind::node))), line, ends);
    b.startBlock(ends);
    end(at, kind);

    b.startBlock(line);
    llvm::Value* word =
        low_ ? b.CreateSelect(b.CreateICmpNE(b.CreateAnd(at, abi::kLowWord), b.u64(0)), low_, key) : key;
    follow(kind, lineAt(b.CreateLShr(at, abi::kEntryShift)), word);

    b.startBlock(next_);
    auto* following = b.CreatePHI(b.getInt64Ty(), static_cast<unsigned>(ways_.size()));
    for (auto [value, from] : ways_)
      following->addIncoming(value, from);
    llvm::Value* deeper = b.CreateAdd(depth, b.u64(1));
    at->addIncoming(following, next_);
    key->addIncoming(word, next_);
    depth->addIncoming(deeper, next_);
    b.CreateCondBr(b.CreateICmpULE(deeper, b.u64(address_.depth)), turn, no_);
  }

private:
  llvm::Value* load(llvm::Value* base, uint64_t offset, unsigned bytes) {
    auto* load = b.CreateAlignedLoad(b.getIntNTy(bytes * 8), b.at(base, offset), llvm::Align(bytes));
    load->setVolatile(true); // user space changes entries at the same time
    return b.CreateZExt(load, b.getInt64Ty());
  }

  // An entry of the map; to `no`, which cannot happen, where it has none.
  llvm::Value* lookUp(uint32_t map, llvm::Value* number) {
    llvm::Value* index = b.scratch(4);
    b.storeAt(index, 0, b.CreateTrunc(number, b.getInt32Ty()));
    llvm::Value* found = b.call(BpfHelper::map_lookup_elem, {b.map(map), index});
    auto* there = b.block("there");
    b.CreateCondBr(b.CreateIsNull(found), no_, there);
    b.startBlock(there);
    return found;
  }

  llvm::Value* lineAt(llvm::Value* number) { return lookUp(trie_.lines, number); }

  // Entries lie in lines of 16.
  llvm::Value* entryAt(llvm::Value* first_line, llvm::Value* number) {
    llvm::Value* line = lineAt(b.CreateAdd(first_line, b.CreateLShr(number, 4)));
    return load(b.at(line, b.opaque(b.CreateShl(b.CreateAnd(number, 15), 2))), 0, 4);
  }

  llvm::Value* rootEntry() {
    llvm::Value* roots = load(lineAt(b.u64(0)), offsetof(abi::PrefixTrieHead, roots), 4);
    auto* walk = b.block("walk");
    b.CreateCondBr(b.CreateICmpNE(roots, b.u64(0)), walk, no_);
    b.startBlock(walk);
    llvm::Value* slot = b.CreateLShr(high_, 64 - trie_.layout.root_bits);
    return entryAt(b.CreateAdd(roots, address_.root), slot);
  }

  void goOn(llvm::Value* entry) {
    ways_.emplace_back(entry, b.GetInsertBlock());
    b.CreateBr(next_);
  }

  void follow(llvm::Value* kind, llvm::Value* line, llvm::Value* key) {
    auto *node = b.block("node"), *lists = b.block("lists"), *bounds = b.block("bounds"), *few = b.block("few");
    b.CreateCondBr(b.CreateICmpULT(kind, b.u64(static_cast<uint64_t>(EntryKind::bounds))), node, lists);
    b.startBlock(node);
    followNode(kind, line, key);
    b.startBlock(lists);
    b.CreateCondBr(b.CreateICmpEQ(kind, b.u64(static_cast<uint64_t>(EntryKind::bounds))), bounds, few);
    b.startBlock(bounds);
    followBounds(line, key);
    b.startBlock(few);
    followShortBounds(line, key);
  }

  void followNode(llvm::Value* kind, llvm::Value* line, llvm::Value* key) {
    llvm::Value* shift = b.CreateAnd(load(line, offsetof(abi::TrieNode, shift), 4), 63);
    llvm::Value* from = b.CreateLShr(key, shift);
    auto *inside = b.block("inside"), *outside = b.block("outside"), *bits = b.block("bits"), *runs = b.block("runs");
    llvm::Value* expected = load(line, offsetof(abi::TrieNode, expected), 8);
    b.CreateCondBr(b.CreateICmpEQ(b.CreateLShr(from, 8), expected), inside, outside);
    b.startBlock(outside);
    goOn(load(line, offsetof(abi::TrieNode, otherwise), 4));

    b.startBlock(inside);
    llvm::Value* slot = b.CreateAnd(from, 255);
    llvm::Value* word = b.opaque(b.CreateLShr(slot, 6));
    llvm::Value* bit = b.CreateAnd(slot, 63);
    llvm::Value* marks = load(b.at(line, b.CreateShl(word, 3)), 0, 8);
    b.CreateCondBr(b.CreateICmpEQ(kind, b.u64(static_cast<uint64_t>(EntryKind::bits))), bits, runs);
    b.startBlock(bits);
    b.CreateCondBr(b.CreateICmpNE(b.CreateAnd(b.CreateLShr(marks, bit), 1), b.u64(0)), yes_, no_);

    b.startBlock(runs);
    llvm::Value* before = load(b.at(line, word), offsetof(abi::TrieNode, before), 1);
    // Up to the slot and with it: all others are shifted out.
    llvm::Value* up_to = b.CreateShl(marks, b.CreateXor(bit, 63));
    llvm::Value* rank = b.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, up_to);
    llvm::Value* run = b.CreateSub(b.CreateAdd(before, rank), b.u64(1));
    goOn(entryAt(load(line, offsetof(abi::TrieNode, entries), 4), run));
  }

  // The entry behind as many bounds as the key has reached. Keys that come to a line begin alike, so that differences
  // have a sign.
  void goOnBehind(llvm::Value* line, llvm::Value* above, unsigned runs, unsigned entries_at) {
    auto* known = b.block("known");
    llvm::Value* run = b.opaque(b.CreateSub(b.u64(runs - 1), above));
    b.CreateCondBr(b.CreateICmpULT(run, b.u64(runs)), known, no_);
    b.startBlock(known);
    goOn(load(b.at(b.at(line, entries_at), b.opaque(b.CreateShl(run, 2))), 0, 4));
  }

  llvm::Value* isAbove(llvm::Value* bound, llvm::Value* key) {
    return b.CreateLShr(b.opaque(b.CreateSub(key, bound)), 63);
  }

  void followBounds(llvm::Value* line, llvm::Value* key) {
    llvm::Value* above = b.u64(0);
    for (unsigned i = 0; i + 1 < abi::TrieBounds::kRuns; ++i)
      above = b.CreateAdd(above, isAbove(load(line, 8 * i, 8), key));
    goOnBehind(line, above, abi::TrieBounds::kRuns, offsetof(abi::TrieBounds, entries));
  }

  void followShortBounds(llvm::Value* line, llvm::Value* key) {
    llvm::Value* shift = b.CreateAnd(load(line, offsetof(abi::TrieShortBounds, shift), 2), 63);
    llvm::Value* part = b.CreateAnd(b.CreateLShr(key, shift), 0xffff);
    llvm::Value* above = b.u64(0);
    for (unsigned i = 0; i + 1 < abi::TrieShortBounds::kRuns; ++i)
      above = b.CreateAdd(above, isAbove(load(line, 2 * i, 2), part));
    goOnBehind(line, above, abi::TrieShortBounds::kRuns, offsetof(abi::TrieShortBounds, entries));
  }

  void end(llvm::Value* entry, llvm::Value* kind) {
    auto *leaf = b.block("leaf"), *element = b.block("element"), *covers = b.block("covers"), *live = b.block("live");
    b.CreateCondBr(b.CreateICmpEQ(kind, b.u64(static_cast<uint64_t>(EntryKind::leaf))), leaf, element);
    b.startBlock(leaf);
    b.CreateCondBr(b.CreateICmpNE(entry, b.u64(abi::kOut)), yes_, no_);
    b.startBlock(element);
    llvm::Value* at = lookUp(trie_.elements, b.CreateLShr(entry, abi::kEntryShift));
    llvm::Value* differs = difference(at, 0, high_);
    if (low_)
      differs = b.CreateOr(differs, difference(at, 1, low_));
    b.CreateCondBr(b.CreateICmpEQ(differs, b.u64(0)), covers, no_);
    b.startBlock(covers);
    // Most elements never end: the clock is read for the others alone.
    llvm::Value* expires = load(at, offsetof(abi::PrefixElement, expires_ns), 8);
    b.CreateCondBr(b.CreateICmpEQ(expires, b.u64(abi::kNever)), yes_, live);
    b.startBlock(live);
    b.CreateCondBr(b.CreateICmpULT(b.coarseNow(), expires), yes_, no_);
  }

  llvm::Value* difference(llvm::Value* element, unsigned word, llvm::Value* key) {
    llvm::Value* address = load(element, offsetof(abi::PrefixElement, address) + 8 * word, 8);
    return b.CreateAnd(b.CreateXor(address, key), load(element, offsetof(abi::PrefixElement, mask) + 8 * word, 8));
  }

  Builder& b;
  const PrefixTrieRef& trie_;
  const TrieAddress& address_;
  llvm::BasicBlock *yes_, *no_, *next_ = nullptr;
  llvm::Value *high_, *low_;
  std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> ways_;
};

} // namespace

TrieAddress trieAddress(Builder& b, const PrefixTrieRef& trie, const Value& address) {
  const bool v4 = address.kind == Value::Kind::v4;
  const abi::Family family = v4 ? abi::Family::v4 : abi::Family::v6;
  return {v4 ? b.CreateShl(b.CreateZExt(address.low, b.getInt64Ty()), 32) : address.high, v4 ? nullptr : address.low,
          b.u64(trie.layout.rootOf(family)), abi::trieDepth(family, trie.layout.root_bits)};
}

TrieAddress trieAddress(Builder& b, const PrefixTrieRef& trie, llvm::Value* v6, llvm::Value* front,
                        llvm::Value* behind) {
  return {front, behind, b.CreateMul(v6, b.u64(trie.layout.rootOf(abi::Family::v6))),
          abi::trieDepth(abi::Family::v6, trie.layout.root_bits)};
}

void lowerPrefixTrie(Builder& b, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no) {
  Walk(b, trie, address, yes, no).run();
}

} // namespace xdpc::lower
