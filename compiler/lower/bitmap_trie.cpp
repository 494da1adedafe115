// Lowers bitmaps and bitmap tries: a load a level, and a branch only where a level may end the walk.
#include "compiler/lower/lookup.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {
namespace {

// The key's bits from `shift` on, as many as `mask` has.
llvm::Value* part(Builder& b, llvm::Value* key, unsigned shift, uint64_t mask) {
  return b.CreateAnd(b.CreateLShr(key, shift), mask);
}

llvm::Value* bitOf(Builder& b, llvm::Value* word, llvm::Value* bit) {
  return b.CreateAnd(b.CreateLShr(word, bit), 1);
}

// 8 bits of the key choose one of 256 bits: a word, and a bit in it.
struct Slot {
  llvm::Value *word, *bit;
};

Slot slotOf(Builder& b, llvm::Value* key, unsigned shift) {
  return {b.opaque(part(b, key, shift + 6, plan::BitmapTrie::kWords - 1)), part(b, key, shift, 63)};
}

llvm::Value* wordOf(Builder& b, llvm::Value* node, llvm::Value* word, unsigned bytes) {
  return b.at(node, b.CreateMul(word, b.u64(bytes)));
}

} // namespace

llvm::Value* lowerBitmap(Builder& b, const plan::Bitmap& bitmap, llvm::Value* key) {
  Answer answer(b);
  llvm::Value* word = b.loadAt(elementAt(b, bitmap.words, b.CreateLShr(key, 6), answer.none()), 0, 8);
  answer.give(b.CreateTrunc(bitOf(b, word, b.CreateAnd(key, 63)), b.getInt32Ty()));
  return answer.finish();
}

llvm::Value* lowerBitmapTrie(Builder& b, const plan::BitmapTrie& trie, llvm::Value* key) {
  Answer answer(b);
  auto* u64 = b.getInt64Ty();
  llvm::Value* entry = boundedElementAt(b, trie.root, part(b, key, 16, 0xffff));
  llvm::Value* number = b.opaque(b.CreateZExt(b.loadAt(entry, 0, 2), u64));
  const Slot slot = slotOf(b, key, 8);
  llvm::Value* node = wordOf(b, elementAt(b, trie.nodes, number, answer.none()), slot.word, 8);
  llvm::Value* in = b.CreateTrunc(bitOf(b, b.loadAt(node, 0, 8), slot.bit), b.getInt32Ty());
  if (!trie.deep) {
    answer.give(in);
    return answer.finish();
  }
  auto *closer = b.block("closer"), *enough = b.block("enough");
  llvm::Value* marks = b.loadAt(node, plan::BitmapTrie::kWords * 8, 8);
  b.CreateCondBr(b.CreateICmpNE(bitOf(b, marks, slot.bit), b.u64(0)), closer, enough);
  b.startBlock(enough);
  answer.give(in);

  b.startBlock(closer);
  llvm::Value* before = b.CreateAnd(marks, b.CreateSub(b.CreateShl(b.u64(1), slot.bit), b.u64(1)));
  llvm::Value* rank = b.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, before);
  llvm::Value* base = b.loadAt(wordOf(b, elementAt(b, trie.bases, number, answer.none()), slot.word, 4), 0, 4);
  llvm::Value* child = elementAt(b, trie.children, b.CreateAdd(b.CreateZExt(base, u64), rank), answer.none());
  llvm::Value* leaf_number = b.CreateZExt(b.loadAt(child, 0, trie.children.element_bytes), u64);
  const Slot host = slotOf(b, key, 0);
  llvm::Value* leaf = wordOf(b, elementAt(b, trie.leaves, leaf_number, answer.none()), host.word, 8);
  answer.give(b.CreateTrunc(bitOf(b, b.loadAt(leaf, 0, 8), host.bit), b.getInt32Ty()));
  return answer.finish();
}

} // namespace xdpc::lower
