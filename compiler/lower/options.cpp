// Lowers options: a copy of their bytes, then one bounded loop over it. What is found are numbers on the stack and bits
// of a mask that the verifier does not know, so that it does not follow every combination of options by itself.
#include "compiler/lower/options.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kMaxBytes = 40;    // of options: both headers that have them are 60 bytes at most
constexpr unsigned kBufferBytes = 64; // a power of two, for masks
constexpr unsigned kPadding = 48;     // behind it: an option that ends beyond the options reads zeros

class OptionLowering {
public:
  OptionLowering(Builder& b, const ir::Header& owner, const HeaderValue& value,
                 const std::vector<ir::HeaderId>& options)
      : b(b), owner_(owner), value_(value), options_(options) {}

  std::map<ir::HeaderId, HeaderValue> run() {
    buffer_ = b.zeroed(UINT32_MAX, kBufferBytes + kPadding);
    unsigned bytes = 0;
    for (ir::HeaderId id : options_) {
      slots_[id] = bytes;
      bytes += (b.policy().headers[id].min_size + 15) / 8 * 8; // loads of fields may cover bytes behind them
      if (isWritten(id))
        bytes += sizeof(uint64_t); // where it was found
    }
    values_ = b.zeroed(options_.front(), bytes);
    auto *some = b.block("options"), *done = b.block("options.done");
    llvm::Value* length = b.CreateSub(value_.size, b.u64(owner_.min_size));
    auto* none = b.GetInsertBlock();
    b.CreateCondBr(b.CreateICmpEQ(length, b.u64(0)), done, some);
    b.startBlock(some);
    auto* loaded = b.block("options.loaded");
    auto* failed = load(length, loaded, done);
    b.startBlock(loaded);
    auto [found, end] = loop(done);
    b.startBlock(done);
    llvm::PHINode* mask = b.CreatePHI(b.getInt64Ty(), 3);
    mask->addIncoming(b.u64(0), none);
    mask->addIncoming(b.u64(0), failed);
    mask->addIncoming(found, end);
    return known(b.forgotten(mask, (uint64_t{1} << options_.size()) - 1));
  }

private:
  // A rule may write to it: then it has to be known where it lies.
  bool isWritten(ir::HeaderId id) const { return b.program().rewrites && b.policy().headers[id].min_size > 0; }

  unsigned foundAt(ir::HeaderId id) const { return slots_.at(id) + (b.policy().headers[id].min_size + 15) / 8 * 8; }

  // Of the option's value, from the frame's start.
  llvm::Value* offsetOf(ir::HeaderId id) {
    if (!isWritten(id))
      return value_.offset;
    llvm::Value* at = b.loadAt(values_, foundAt(id), 8);
    return b.forgotten(b.CreateAdd(b.CreateAdd(value_.offset, b.u64(owner_.min_size + 2)), at), plan::kCopiedBytes - 1);
  }

  llvm::BasicBlock* load(llvm::Value* length, llvm::BasicBlock* loaded, llvm::BasicBlock* failed) {
    // From 1 to 64 by its bits: the helper takes no zero, and not all verifiers learn from the compare.
    llvm::Value* bits = b.opaque(b.CreateAnd(b.opaque(b.CreateSub(length, b.u64(1))), kBufferBytes - 1));
    length_ = b.opaque(b.CreateAdd(bits, b.u64(1)));
    llvm::Value* start = b.CreateTrunc(b.CreateAdd(value_.offset, b.u64(owner_.min_size)), b.getInt32Ty());
    llvm::Value* result = b.call(BpfHelper::xdp_load_bytes, {b.context, start, buffer_, length_});
    b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), loaded, failed);
    return b.GetInsertBlock();
  }

  // Ends in `done`: with the bits of the options that were found, and the block from which it comes.
  std::pair<llvm::Value*, llvm::BasicBlock*> loop(llvm::BasicBlock* done) {
    auto *head = b.block("option"), *step = b.block("option.next"), *end = b.block("option.end");
    auto* before = b.GetInsertBlock();
    b.CreateBr(head);
    b.startBlock(head);
    llvm::PHINode *at = b.CreatePHI(b.getInt64Ty(), 2), *count = b.CreatePHI(b.getInt64Ty(), 2),
                  *found = b.CreatePHI(b.getInt64Ty(), 2);
    for (llvm::PHINode* phi : {at, count, found})
      phi->addIncoming(b.u64(0), before);
    b.startBlock(step);
    next_at_ = b.CreatePHI(b.getInt64Ty(), 4);
    next_found_ = b.CreatePHI(b.getInt64Ty(), 4);
    at->addIncoming(b.forgotten(next_at_, 2 * kBufferBytes - 1), step);
    count->addIncoming(b.CreateAdd(count, b.u64(1)), step);
    found->addIncoming(b.forgotten(next_found_, (uint64_t{1} << options_.size()) - 1), step);
    b.CreateBr(head);

    b.startBlock(head);
    auto *more = b.block("option.more"), *inside = b.block("option.inside");
    b.CreateCondBr(b.CreateICmpULT(count, b.u64(kMaxBytes)), more, end);
    b.startBlock(more);
    b.CreateCondBr(b.CreateICmpULT(at, length_), inside, end);
    b.startBlock(inside);
    lowerOne(at, found, step, end);
    b.startBlock(end);
    b.CreateBr(done);
    return {found, end};
  }

  llvm::Value* byteAt(llvm::Value* at, unsigned behind) {
    llvm::Value* index = b.opaque(b.CreateAnd(b.opaque(at), kBufferBytes - 1));
    return b.CreateZExt(b.loadAt(b.at(b.at(buffer_, index), behind), 0, 1), b.getInt64Ty());
  }

  void lowerOne(llvm::Value* at, llvm::Value* found, llvm::BasicBlock* step, llvm::BasicBlock* end) {
    auto *single = b.block("option.single"), *sized = b.block("option.sized"), *whole = b.block("option.whole"),
         *other = b.block("option.other");
    llvm::Value* number = byteAt(at, 0);
    auto* kind = b.CreateSwitch(number, sized, 2);
    kind->addCase(b.getInt64(0), end);
    kind->addCase(b.getInt64(1), single);
    b.startBlock(single);
    goOn(b.CreateAdd(at, b.u64(1)), found, step);

    b.startBlock(sized);
    llvm::Value* bytes = byteAt(at, 1);
    llvm::Value* behind = b.CreateAdd(at, bytes);
    llvm::Value* impossible = b.CreateOr(b.isLess(bytes, b.u64(2)), b.isLess(length_, behind));
    b.CreateCondBr(b.CreateICmpNE(impossible, b.u64(0)), end, whole);
    b.startBlock(whole);
    auto* choice = b.CreateSwitch(number, other, options_.size());
    for (size_t i = 0; i < options_.size(); ++i) {
      const ir::Header& option = b.policy().headers[options_[i]];
      auto* body = b.block(option.name);
      choice->addCase(b.getInt64(option.option), body);
      b.startBlock(body);
      take(options_[i], i, at, bytes, behind, found, step, other);
    }
    b.startBlock(other);
    goOn(behind, found, step);
  }

  // The first of its number with the length that its declaration has; a flag takes any length.
  void take(ir::HeaderId id, size_t index, llvm::Value* at, llvm::Value* bytes, llvm::Value* behind, llvm::Value* found,
            llvm::BasicBlock* step, llvm::BasicBlock* other) {
    const ir::Header& option = b.policy().headers[id];
    const uint64_t bit = uint64_t{1} << index;
    auto *right = b.block("option.right"), *first = b.block("option.first");
    if (option.min_size > 0)
      b.CreateCondBr(b.CreateICmpEQ(bytes, b.u64(option.min_size + 2)), right, other);
    else
      b.CreateBr(right);
    b.startBlock(right);
    b.CreateCondBr(b.CreateICmpEQ(b.CreateAnd(found, bit), b.u64(0)), first, other);
    b.startBlock(first);
    for (unsigned i = 0; i < option.min_size; ++i)
      b.storeAt(values_, slots_.at(id) + i, b.CreateTrunc(byteAt(at, 2 + i), b.getInt8Ty()));
    if (isWritten(id))
      b.storeAt(values_, foundAt(id), at);
    goOn(behind, b.CreateOr(found, bit), step);
  }

  void goOn(llvm::Value* at, llvm::Value* found, llvm::BasicBlock* step) {
    next_at_->addIncoming(at, b.GetInsertBlock());
    next_found_->addIncoming(found, b.GetInsertBlock());
    b.CreateBr(step);
  }

  std::map<ir::HeaderId, HeaderValue> known(llvm::Value* mask) {
    std::map<ir::HeaderId, HeaderValue> headers;
    for (size_t i = 0; i < options_.size(); ++i) {
      const ir::HeaderId id = options_[i];
      llvm::Value* present = b.CreateICmpNE(b.CreateAnd(mask, uint64_t{1} << i), b.u64(0));
      if (value_.present)
        present = b.CreateAnd(present, value_.present);
      headers[id] = {b.at(values_, slots_.at(id)), offsetOf(id), b.u64(b.policy().headers[id].min_size), present};
    }
    return headers;
  }

  Builder& b;
  const ir::Header& owner_;
  const HeaderValue& value_;
  const std::vector<ir::HeaderId>& options_;
  llvm::Value *buffer_ = nullptr, *values_ = nullptr, *length_ = nullptr;
  std::map<ir::HeaderId, unsigned> slots_;
  llvm::PHINode *next_at_ = nullptr, *next_found_ = nullptr;
};

} // namespace

std::map<ir::HeaderId, HeaderValue> lowerOptions(Builder& b, const ir::Header& owner, const HeaderValue& value,
                                                 const std::vector<ir::HeaderId>& options) {
  return OptionLowering(b, owner, value, options).run();
}

} // namespace xdpc::lower
