// The key of a classifier's function: from a packet's lanes to the words that nodes and rows look at. Private to
// lower/classifier_function.cpp.
#pragma once

#include "compiler/lower/builder.h"
#include "compiler/plan/classifier.h"

namespace xdpc::lower {

class ClassifierKey {
public:
  // Loads the function's first argument. To `none` where a table does not have what another one names, which none does.
  ClassifierKey(Builder& builder, const plan::ClassifierView& view, llvm::BasicBlock* none);

  llvm::Value* word(unsigned number) const { return words_[number]; } // i64
  // The word that these bits of a node say (i64): the first or the second one of two.
  llvm::Value* wordOf(llvm::Value* node, unsigned which);

private:
  llvm::Value* rankOf(const plan::ClassifierLane& lane, llvm::Value* bits, llvm::BasicBlock* none);

  Builder& b;
  const plan::ClassifierView& view_;
  llvm::SmallVector<llvm::Value*> words_;
  llvm::Value* memory_ = nullptr; // the words once more, where there are more than two
};

llvm::Value* tableBase(Builder& builder, const plan::TableBytes& bytes);
// Of an index that has been compared with how many there are. Pinned: the address must be made of what was compared.
llvm::Value* tableElement(Builder& builder, const plan::TableBytes& bytes, llvm::Value* index, uint64_t size);
// Compares before: to `none` where there is no such element. Goes on in a new block.
llvm::Value* checkedElement(Builder& builder, const plan::TableBytes& bytes, llvm::Value* index, uint64_t size,
                            llvm::BasicBlock* none);

} // namespace xdpc::lower
