// One lowering of the policy serves both: `data` and `data_end` point into the packet on one way and into the copy on
// the other, and the verifier walks what follows once with each (docs/decisions/0010).
#include "compiler/lower/frame.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

class FrameLowering {
public:
  FrameLowering(Builder& b, FrameUse use) : b(b), use_(use) {}

  std::vector<llvm::BasicBlock*> run() {
    auto *flagged = b.block("frame.flag"), *linear = b.block("frame.linear"), *ask = b.block("frame.ask");
    known_ = b.block("frame");
    modes_ = b.config(offsetof(abi::Config, mode), 4);
    static_assert(abi::kModeFragsFlag == 1u << 31); // the sign: one instruction less than to mask a bit
    b.CreateCondBr(b.CreateICmpSLT(modes_, b.u32(0)), flagged, ask);

    b.startBlock(flagged);
    llvm::Value* flags = b.loadAt(kernelContext(), abi::kXdpBuffFlags, 4);
    llvm::Value* frags = b.CreateAnd(flags, b.u32(abi::kXdpHasFrags));
    b.CreateCondBr(b.CreateICmpEQ(frags, b.u32(0)), linear, ask);

    b.startBlock(linear);
    loadBounds();
    auto number = [&](llvm::Value* pointer) { return b.CreatePtrToInt(pointer, b.getInt64Ty()); };
    goOn(data_, end_, b.CreateSub(number(end_), number(data_)), b.getFalse());

    b.startBlock(ask);
    length_ = b.call(BpfHelper::xdp_get_buff_len, {b.context});
    loadBounds();
    if (use_ == FrameUse::headers)
      chooseCopy();
    goOn(data_, end_, length_, b.getFalse());
    join();
    std::vector<llvm::BasicBlock*> rare = {ask};
    for (auto* made = known_->getNextNode(); made; made = made->getNextNode())
      rare.push_back(made);
    return rare;
  }

private:
  struct Way {
    llvm::BasicBlock* from;
    llvm::Value *data, *end, *length, *copied;
  };

  // Behind the calls, so that a short program has less to keep over them.
  void loadBounds() {
    data_ = b.bound(offsetof(xdp_md, data));
    end_ = b.bound(offsetof(xdp_md, data_end));
  }

  void goOn(llvm::Value* data, llvm::Value* end, llvm::Value* length, llvm::Value* copied) {
    ways_.push_back({b.GetInsertBlock(), data, end, length, copied});
    b.CreateBr(known_);
  }

  void join() {
    b.startBlock(known_);
    auto phi = [&](llvm::Value* Way::* part, const char* name) {
      llvm::PHINode* node = b.CreatePHI((ways_.front().*part)->getType(), ways_.size(), name);
      for (const Way& way : ways_)
        node->addIncoming(way.*part, way.from);
      return node;
    };
    b.data = phi(&Way::data, "data");
    b.data_end = phi(&Way::end, "data_end");
    b.length = phi(&Way::length, "length");
    b.copied = phi(&Way::copied, "copied");
  }

  // The kernel's own struct xdp_buff. The verifier makes the call a move.
  llvm::Value* kernelContext() { return b.call(BpfHelper::cast_to_kernel_context, {b.context}); }

  // To a copy if the first buffer ends before what a copy would hold; goes on where it does not.
  void chooseCopy() {
    auto *check = b.block("frame.check"), *copy = b.block("frame.copy"), *direct = b.block("frame.direct");
    b.CreateCondBr(b.CreateICmpNE(b.CreateAnd(modes_, b.u32(abi::kModeCopied)), b.u32(0)), copy, check);
    b.startBlock(check);
    b.CreateCondBr(b.CreateICmpUGT(b.at(data_, b.copiedBytes(length_)), end_), copy, direct);
    b.startBlock(copy);
    lowerCopy();
    b.startBlock(direct);
  }

  void lowerCopy() {
    auto *copied = b.block("copy.made"), *failed = b.block("copy.failed");
    llvm::Value* buffer = b.lookUpCopy(failed);
    llvm::Value* bytes = b.copiedBytes(length_);
    llvm::Value* result = b.call(BpfHelper::xdp_load_bytes, {b.context, b.u32(0), buffer, bytes});
    b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), copied, failed);
    b.startBlock(failed); // none of these can happen to a frame that the driver gives
    b.CreateRet(b.u32(abi::kAborted));
    b.startBlock(copied);
    goOn(buffer, b.opaque(b.at(buffer, bytes)), length_, b.getTrue());
  }

  Builder& b;
  FrameUse use_;
  llvm::BasicBlock* known_ = nullptr;
  llvm::Value *data_ = nullptr, *end_ = nullptr, *modes_ = nullptr, *length_ = nullptr;
  std::vector<Way> ways_;
};

} // namespace

std::vector<llvm::BasicBlock*> lowerFrame(Builder& b, FrameUse use) {
  return FrameLowering(b, use).run();
}

} // namespace xdpc::lower
