// Elements of arrays that may be in parts, and answers.
#include "compiler/lower/lookup.h"

namespace xdpc::lower {
namespace {

llvm::Value* inPart(Builder& b, const plan::Array& array, size_t part, llvm::Value* index) {
  const auto [map, offset] = array.parts[part];
  llvm::Value* distance = b.opaque(b.CreateMul(index, b.u64(array.element_bytes)));
  return b.at(b.at(b.map(map), offset), distance);
}

// The index within its part, and a block for each part that goes on to `done`.
llvm::Value* amongParts(Builder& b, const plan::Array& array, llvm::Value* index, llvm::BasicBlock* outside) {
  const uint64_t part_elements = uint64_t{1} << array.shift;
  auto* done = b.block("element");
  llvm::Value* within = b.opaque(b.CreateAnd(index, part_elements - 1));
  llvm::PHINode* element = llvm::PHINode::Create(b.getPtrTy(), static_cast<unsigned>(array.parts.size()), "", done);
  auto* otherwise = outside ? outside : b.block("part");
  auto* choose = b.CreateSwitch(b.CreateLShr(index, array.shift), otherwise);
  for (size_t part = 0; part < array.parts.size(); ++part) {
    const bool last = part + 1 == array.parts.size();
    auto* block = last && !outside ? otherwise : b.block("part");
    if (block != otherwise)
      choose->addCase(b.getInt64(part), block);
    b.startBlock(block);
    if (const uint64_t count = array.count - part * part_elements; count < part_elements) {
      auto* inside = b.block("inside");
      b.CreateCondBr(b.CreateICmpULT(within, b.u64(count)), inside, outside);
      b.startBlock(inside);
    }
    element->addIncoming(inPart(b, array, part, within), b.GetInsertBlock());
    b.CreateBr(done);
  }
  b.startBlock(done);
  return element;
}

} // namespace

void Answer::give(llvm::Value* number) {
  given_.emplace_back(number, b.GetInsertBlock());
  b.CreateBr(done_);
}

llvm::Value* Answer::finish() {
  b.startBlock(none_);
  give(b.u32(0));
  b.startBlock(done_);
  auto* answer = b.CreatePHI(b.getInt32Ty(), static_cast<unsigned>(given_.size()));
  for (auto [number, block] : given_)
    answer->addIncoming(number, block);
  return answer;
}

llvm::Value* elementAt(Builder& b, const plan::Array& array, llvm::Value* index, llvm::BasicBlock* outside) {
  // Opaque: the value that is compared is the one that is multiplied, and never a shifted one of it.
  llvm::Value* known = b.opaque(index);
  if (array.parts.size() > 1)
    return amongParts(b, array, known, outside);
  auto* inside = b.block("inside");
  b.CreateCondBr(b.CreateICmpULT(known, b.u64(array.count)), inside, outside);
  b.startBlock(inside);
  return inPart(b, array, 0, known);
}

llvm::Value* boundedElementAt(Builder& b, const plan::Array& array, llvm::Value* index) {
  llvm::Value* known = b.opaque(index);
  return array.parts.size() > 1 ? amongParts(b, array, known, nullptr) : inPart(b, array, 0, known);
}

llvm::Value* isBelow(Builder& b, const Words& left, const Words& right, unsigned word_bytes) {
  if (left.size() == 1 && word_bytes == 4)
    return b.isLess(left[0], right[0]);
  llvm::Value* borrow = b.u64(0);
  for (size_t i = left.size(); i-- > 0;) {
    llvm::Value* difference = b.CreateSub(b.CreateSub(left[i], right[i]), borrow);
    llvm::Value* not_left = b.CreateNot(left[i]);
    llvm::Value* bits =
        b.CreateOr(b.CreateAnd(not_left, right[i]), b.CreateAnd(b.CreateOr(not_left, right[i]), difference));
    borrow = b.CreateLShr(b.opaque(bits), 63);
  }
  return borrow;
}

} // namespace xdpc::lower
