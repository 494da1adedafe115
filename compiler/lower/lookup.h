// What the lookups of plan/lookup.h share when they are lowered. Private to lower/table.cpp and the files of the
// lookups.
#pragma once

#include "compiler/lower/value.h"
#include "compiler/plan/hash_table.h"

namespace xdpc::lower {

// The number that a lookup gives (i32), from as many places as end it.
class Answer {
public:
  explicit Answer(Builder& builder) : b(builder), done_(b.block("answer")), none_(b.block("none")) {}

  void give(llvm::Value* number); // ends the block
  llvm::BasicBlock* none() const { return none_; }
  llvm::Value* finish(); // goes on in a new block

private:
  Builder& b;
  llvm::BasicBlock *done_, *none_;
  std::vector<std::pair<llvm::Value*, llvm::BasicBlock*>> given_;
};

// The array's element of this index (i64), whatever it may be: to `outside` where there is none, which a table never
// leads to. A compare, not a mask: it is predicted, and no load waits for it. Goes on in a new block.
llvm::Value* elementAt(Builder& builder, const plan::Array& array, llvm::Value* index, llvm::BasicBlock* outside);
// The same where the verifier knows from its bits that the index is below the array's count.
llvm::Value* boundedElementAt(Builder& builder, const plan::Array& array, llvm::Value* index);

// 1 if left < right, else 0, of words, the most significant first (i64): the borrow of their difference.
using Words = llvm::SmallVector<llvm::Value*>;
llvm::Value* isBelow(Builder& builder, const Words& left, const Words& right, unsigned word_bytes);

// Each gives the number of the key.
llvm::Value* lowerSorted(Builder& builder, const plan::SortedTable& table, const Words& key);
llvm::Value* lowerBitmap(Builder& builder, const plan::Bitmap& bitmap, llvm::Value* key);
llvm::Value* lowerBitmapTrie(Builder& builder, const plan::BitmapTrie& trie, llvm::Value* key);
// As plan::hashOf; and of its upper half as many parts as `count`, the number of the one it lies in, which the verifier
// bounds.
llvm::Value* hashOf(Builder& builder, const Words& key, uint64_t seed, plan::HashOf which);
llvm::Value* partOf(Builder& builder, llvm::Value* hash, uint32_t count);
// For a set 1 is enough for a key that is there.
enum class Wanted : uint8_t { number, presence };
llvm::Value* lowerHash(Builder& builder, const plan::HashTable& table, const Words& key, Wanted wanted);
llvm::Value* lowerQuotient(Builder& builder, const plan::QuotientTable& table, llvm::Value* key);
llvm::Value* lowerTrie(Builder& builder, const plan::Trie& trie, const Words& key);

} // namespace xdpc::lower
