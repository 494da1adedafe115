// The cell of Program::clock_slot holds the time in its first word, and in its second the jiffies that it was read at,
// above four bits that count the uses left.
#include "compiler/lower/clock.h"

namespace xdpc::lower {
namespace {

constexpr unsigned kUsesBits = 4;
constexpr uint64_t kUsesLeft = (1 << kUsesBits) - 1;

} // namespace

llvm::Value* lowerSharedClock(Builder& b) {
  auto *test = b.block("clock.test"), *live = b.block("clock.live"), *old = b.block("clock.old"),
       *again = b.block("clock.again"), *done = b.block("clock");
  b.CreateCondBr(b.testMode(), test, live);
  b.startBlock(test);
  llvm::Value* given = b.loadAt(b.map(b.program().common.test), offsetof(abi::TestState, now_ns), 8);
  b.CreateBr(done);

  b.startBlock(live);
  llvm::Value* jiffies = b.call(BpfHelper::jiffies64, {}); // the kernel makes a load of it
  llvm::Value* cell = b.cell(*b.program().clock_slot);
  llvm::Value* state = b.loadAt(cell, 8, 8);
  llvm::Value* left = b.CreateAnd(state, kUsesLeft);
  llvm::Value* moved = b.CreateICmpNE(b.CreateLShr(state, kUsesBits), jiffies);
  b.CreateCondBr(b.CreateOr(moved, b.CreateICmpEQ(left, b.u64(0))), again, old);

  b.startBlock(old);
  b.storeAt(cell, 8, b.CreateSub(state, b.u64(1)));
  llvm::Value* kept = b.loadAt(cell, 0, 8);
  b.CreateBr(done);

  b.startBlock(again);
  llvm::Value* read = b.call(BpfHelper::ktime_get_ns, {});
  b.storeAt(cell, 0, read);
  b.storeAt(cell, 8, b.CreateOr(b.CreateShl(jiffies, kUsesBits), b.u64(kUsesLeft)));
  b.CreateBr(done);

  b.startBlock(done);
  llvm::PHINode* now = b.CreatePHI(b.getInt64Ty(), 3, "now");
  now->addIncoming(given, test);
  now->addIncoming(kept, old);
  now->addIncoming(read, again);
  return now;
}

} // namespace xdpc::lower
