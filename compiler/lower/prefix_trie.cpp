// Lowers the question: a bit, two buckets, and the walk, a bounded loop in which every line is one look into the array,
// and its kind says where to go on. What has no elements is left out.
#include "compiler/lower/prefix_trie.h"

#include <llvm/IR/Intrinsics.h>

#include <bit>

namespace xdpc::lower {
namespace {

using abi::EntryKind;

class Walk {
public:
  Walk(Builder& b, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes, llvm::BasicBlock* no)
      : b(b), trie_(trie), address_(address), yes_(yes), no_(no), high_(address.front), low_(address.behind) {}

  void run() {
    front_ = lookUp(trie_.maps.front, b.u64(0));
    llvm::Value* area = load(front_, offsetof(abi::PrefixTrieHead, area), 4);
    auto* some = b.block("some");
    b.CreateCondBr(b.CreateICmpNE(area, b.u64(0)), some, no_);
    b.startBlock(some);
    area_ = b.opaque(b.CreateAnd(b.opaque(b.CreateSub(area, b.u64(1))), 1));
    counts_ = b.at(front_, b.opaque(b.CreateMul(area_, b.u64(sizeof(abi::FrontCounts)))));
    if (trie_.layout.nodes && !(low_ && !address_.v6))
      askFront();
    walk();
  }

private:
  // Goes on where an area has elements at a place.
  void skipUnless(uint64_t count, llvm::Value* family, llvm::BasicBlock* none) {
    llvm::Value* at = family ? b.at(counts_, b.opaque(b.CreateShl(family, 2))) : counts_;
    auto* there = b.block("there");
    b.CreateCondBr(b.CreateICmpNE(load(at, offsetof(abi::PrefixTrieHead, counts) + count, 4), b.u64(0)), there, none);
    b.startBlock(there);
  }

  // IPv4 alone, before the trie.
  void askFront() {
    auto *hosts = b.block("hosts"), *trie = b.block("trie");
    if (address_.v6) {
      auto* v4 = b.block("v4");
      b.CreateCondBr(b.CreateICmpEQ(address_.v6, b.u64(0)), v4, trie);
      b.startBlock(v4);
    }
    skipUnless(offsetof(abi::FrontCounts, bitmap), nullptr, hosts);
    b.CreateCondBr(inBitmap(), yes_, hosts);
    b.startBlock(hosts);
    skipUnless(offsetof(abi::FrontCounts, hosts), nullptr, trie);
    b.CreateCondBr(isHost(), yes_, trie);
    b.startBlock(trie);
  }

  llvm::Value* areaOf(llvm::Value* map, llvm::Value* bytes) { return b.at(map, b.opaque(b.CreateMul(area_, bytes))); }
  llvm::Value* frontArea() {
    return b.at(areaOf(front_, b.parameter("area", trie_.layout.areaBytes())), abi::kFrontHead);
  }

  // The first 16 bits of the key are the root's, the next 8 the node's: the upper two of them choose its word.
  llvm::Value* inBitmap() {
    llvm::Value* area = frontArea();
    llvm::Value* number = b.opaque(load(b.at(area, b.opaque(b.CreateShl(b.CreateLShr(high_, 48), 1))), 0, 2));
    auto* known = b.block("known");
    b.CreateCondBr(b.CreateICmpULT(number, b.parameter("nodes", trie_.layout.nodes)), known, no_);
    b.startBlock(known);
    llvm::Value* node =
        b.at(b.at(area, trie_.layout.nodesInArea()), b.opaque(b.CreateMul(number, b.u64(abi::kBitmapNode))));
    llvm::Value* word = b.opaque(b.CreateAnd(b.CreateLShr(high_, 46 - 3), 3 << 3));
    llvm::Value* bit = b.CreateAnd(b.CreateLShr(high_, 40), 63);
    return b.CreateICmpNE(b.CreateAnd(b.CreateLShr(load(b.at(node, word), 0, 8), bit), 1), b.u64(0));
  }

  // Both buckets at once, without a branch. A slot's difference, less one, is negative where there is none; no address
  // is 0, which is in empty slots.
  llvm::Value* isHost() {
    llvm::Value* address = b.CreateLShr(high_, 32);
    llvm::Value* hosts =
        trie_.maps.hosts ? areaOf(lookUp(*trie_.maps.hosts, b.u64(0)), b.parameter("hosts", trie_.layout.hostBytes()))
                         : b.at(frontArea(), b.parameter("hosts", trie_.layout.hostsInArea()));
    llvm::Value* count = b.parameter("buckets_of_hosts", trie_.layout.buckets);
    llvm::Value* equal = b.u64(0);
    llvm::Value* buckets[2];
    for (unsigned which = 0; which < 2; ++which) {
      llvm::Value* upper = b.opaque(b.CreateLShr(b.CreateMul(address, b.u64(abi::kHostFactors[which])), 32));
      llvm::Value* number = b.opaque(b.CreateLShr(b.opaque(b.CreateMul(upper, count)), 32));
      buckets[which] = b.at(hosts, b.opaque(b.CreateMul(number, b.u64(abi::kHostBucket))));
    }
    for (llvm::Value* bucket : buckets)
      for (unsigned slot = 0; slot < abi::kHostSlots; ++slot) {
        llvm::Value* differs = b.CreateXor(load(bucket, slot * sizeof(uint32_t), 4), address);
        equal = b.CreateOr(equal, b.opaque(b.CreateSub(differs, b.u64(1))));
      }
    llvm::Value* found = b.CreateLShr(b.opaque(equal), 63);
    return b.CreateICmpNE(b.CreateAnd(found, b.opaque(b.CreateLShr(b.CreateNeg(address), 63))), b.u64(0));
  }

  void walk() {
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
    llvm::Value* word = low_ ? wordFor(at, key) : key;
    follow(kind, lineAt(b.CreateLShr(at, abi::kEntryShift)), word);

    b.startBlock(next_);
    auto* following = b.CreatePHI(b.getInt64Ty(), static_cast<unsigned>(ways_.size()));
    for (auto [value, from] : ways_)
      following->addIncoming(value, from);
    llvm::Value* deeper = b.CreateAdd(depth, b.u64(1));
    at->addIncoming(following, next_);
    key->addIncoming(word, next_);
    depth->addIncoming(deeper, next_);
    b.CreateCondBr(b.CreateICmpULE(deeper, b.parameter("depth", depth_)), turn, no_);
  }

  // The half of the address that a line asks for, without a branch: the verifier would walk on behind both ways, as it
  // knows that each is another register's copy.
  llvm::Value* wordFor(llvm::Value* at, llvm::Value* key) {
    llvm::Value* is_low = b.opaque(b.CreateAnd(b.CreateLShr(at, std::countr_zero(abi::kLowWord)), 1));
    return b.CreateXor(key, b.CreateAnd(b.CreateXor(key, low_), b.CreateNeg(is_low)));
  }

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

  llvm::Value* lineAt(llvm::Value* number) { return lookUp(trie_.maps.lines, number); }

  // Entries lie in lines of 16.
  llvm::Value* entryAt(llvm::Value* first_line, llvm::Value* number) {
    llvm::Value* line = lineAt(b.CreateAdd(first_line, b.CreateLShr(number, 4)));
    return load(b.at(line, b.opaque(b.CreateShl(b.CreateAnd(number, 15), 2))), 0, 4);
  }

  llvm::Value* rootEntry() {
    const abi::PrefixTrieLayout& layout = trie_.layout;
    llvm::Value* v6 = address_.v6 ? address_.v6 : b.u64(low_ ? 1 : 0);
    skipUnless(offsetof(abi::FrontCounts, trie), v6, no_);
    llvm::Value* roots = b.CreateAdd(b.CreateMul(area_, b.parameter("roots_apart", layout.roots[1] - layout.roots[0])),
                                     b.parameter("roots", layout.roots[0]));
    roots = b.CreateAdd(roots, b.CreateMul(v6, b.parameter("root_of_v6", layout.rootOf(abi::Family::v6))));
    return entryAt(roots, b.CreateLShr(high_, b.parameter("behind_root", 64 - layout.root_bits)));
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
    llvm::Value* at =
        lineAt(b.CreateAdd(b.CreateLShr(entry, abi::kEntryShift), b.parameter("first_element", trie_.layout.element)));
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
  llvm::Value *front_ = nullptr, *area_ = nullptr, *counts_ = nullptr;
  const unsigned depth_ = abi::trieDepth(low_ ? abi::Family::v6 : abi::Family::v4, trie_.layout.root_bits);
  std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> ways_;
};

} // namespace

TrieAddress trieAddress(Builder& b, const Value& address) {
  if (address.kind == Value::Kind::v4)
    return {b.CreateShl(b.CreateZExt(address.low, b.getInt64Ty()), 32), nullptr, nullptr};
  return {address.high, address.low, nullptr};
}

void lowerPrefixTrie(Builder& b, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no) {
  Walk(b, trie, address, yes, no).run();
}

} // namespace xdpc::lower
