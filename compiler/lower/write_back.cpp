// Writes copies back. The buffer is looked up again, so that the verifier need not know which of the frame's two
// pointers reaches this place.
#include "compiler/lower/write_back.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {

void writeBack(Builder& b, llvm::Value* copied) {
  auto *write = b.block("back"), *failed = b.block("back.failed"), *done = b.block("back.done");
  b.CreateCondBr(copied, write, done);
  b.startBlock(write);
  llvm::Value* buffer = b.lookUpCopy(failed);
  llvm::Value* result = b.call(BpfHelper::xdp_store_bytes, {b.context, b.u32(0), buffer, b.copiedBytes(b.length)});
  b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), done, failed);
  b.startBlock(failed); // none of these can happen to bytes that were read from there
  b.CreateRet(b.u32(abi::kAborted));
  b.startBlock(done);
}

} // namespace xdpc::lower
