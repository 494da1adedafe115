// Writes copies back. The buffer is looked up again, so that the verifier need not know which of the frame's two
// pointers reaches this place.
#include "compiler/lower/write_back.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::lower {

void writeBack(Builder& b, llvm::Value* copied) {
  auto *write = b.block("back"), *found = b.block("back.found"), *failed = b.block("back.failed"),
       *done = b.block("back.done");
  b.CreateCondBr(copied, write, done);
  b.startBlock(write);
  llvm::Value* key = b.scratch(4);
  b.storeAt(key, 0, b.u32(0));
  llvm::Value* buffer = b.call(BpfHelper::map_lookup_elem, {b.map(b.program().common.copy), key});
  b.CreateCondBr(b.CreateIsNull(buffer), failed, found);
  b.startBlock(found);
  llvm::Value* result = b.call(BpfHelper::xdp_store_bytes, {b.context, b.u32(0), buffer, b.copiedBytes(b.length)});
  b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), done, failed);
  b.startBlock(failed); // none of these can happen to bytes that were read from there
  b.CreateRet(b.u32(abi::kAborted));
  b.startBlock(done);
}

} // namespace xdpc::lower
