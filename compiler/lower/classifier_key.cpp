// Ranks lanes and puts them together.
#include "compiler/lower/classifier_key.h"
#include "compiler/plan/classifier_tree.h"

#include <bit>

namespace xdpc::lower {

llvm::Value* tableBase(Builder& b, const plan::TableBytes& bytes) {
  return b.at(b.map(bytes.map), bytes.offset);
}

llvm::Value* tableElement(Builder& b, const plan::TableBytes& bytes, llvm::Value* index, uint64_t size) {
  return b.at(tableBase(b, bytes), b.CreateMul(b.pinned(index), b.u64(size)));
}

llvm::Value* checkedElement(Builder& b, const plan::TableBytes& bytes, llvm::Value* index, uint64_t size,
                            llvm::BasicBlock* none) {
  auto* inside = b.block("inside");
  b.CreateCondBr(b.CreateICmpULT(index, b.u64(bytes.count)), inside, none);
  b.startBlock(inside);
  return tableElement(b, bytes, index, size);
}

ClassifierKey::ClassifierKey(Builder& builder, const plan::ClassifierView& view, llvm::BasicBlock* none)
    : b(builder), view_(view), words_(view.words, builder.u64(0)) {
  for (size_t i = 0; i < view.lanes.size(); ++i) {
    const plan::ClassifierLane& lane = view.lanes[i];
    llvm::Value* bits = b.CreateZExt(b.loadAt(b.function().getArg(0), i * 4, 4), b.getInt64Ty());
    if (lane.ranks)
      bits = rankOf(lane, bits, none);
    words_[lane.word] = b.CreateAdd(words_[lane.word], b.CreateShl(bits, lane.shift));
  }
  if (view.words <= 2 || view.hash)
    return;
  memory_ = b.scratch(std::bit_ceil(view.words) * 8);
  for (unsigned word = 0; word < std::bit_ceil(view.words); ++word)
    b.storeAt(memory_, word * 8, word < view.words ? words_[word] : b.u64(0));
}

// What the levels add up to. The first one's index is bounded by its bits.
llvm::Value* ClassifierKey::rankOf(const plan::ClassifierLane& lane, llvm::Value* bits, llvm::BasicBlock* none) {
  const plan::ClassifierRanks& ranks = *lane.ranks;
  constexpr unsigned node_bits = plan::ClassifierRanks::kNodeBits;
  llvm::Value *sum = b.u64(0), *node = b.u64(0);
  unsigned rest = lane.value_bits;
  for (size_t level = 0; level < ranks.levels.size(); ++level) {
    rest -= ranks.widths[level];
    llvm::Value* part = b.CreateAnd(b.CreateLShr(bits, rest), (uint64_t{1} << ranks.widths[level]) - 1);
    const bool last = level + 1 == ranks.levels.size();
    const unsigned size = last ? 1 : 4;
    llvm::Value* index = b.opaque(b.CreateAdd(b.CreateShl(node, ranks.widths[level]), part));
    llvm::Value* element = level == 0 ? tableElement(b, ranks.levels[level], index, size)
                                      : checkedElement(b, ranks.levels[level], index, size, none);
    // Pinned: a load that sinks to where it is used leaves its index to be spilled before it is compared, and what the
    // verifier of 6.1 knows of a copy is lost to it.
    llvm::Value* entry = b.pinned(b.CreateZExt(b.loadAt(element, 0, size), b.getInt64Ty()));
    sum = b.CreateAdd(sum, last ? entry : b.CreateLShr(entry, node_bits));
    node = b.CreateAnd(entry, (1u << node_bits) - 1);
  }
  return sum;
}

llvm::Value* ClassifierKey::wordOf(llvm::Value* node, unsigned which) {
  using Node = plan::TreeNode;
  if (view_.words <= 2)
    return words_[which < view_.words ? which : 0];
  llvm::Value* number = b.CreateLShr(node, which == 0 ? Node::kWord0At : Node::kWord1At);
  number = b.opaque(b.CreateAnd(number, std::bit_ceil(view_.words) - 1));
  return b.loadAt(b.at(memory_, b.CreateShl(number, 3)), 0, 8);
}

} // namespace xdpc::lower
