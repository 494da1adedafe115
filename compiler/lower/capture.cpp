// Lowers the copying of frames. A record has to be reserved with a constant size: it is the smallest of a few that
// holds what is copied.
#include "compiler/lower/capture.h"

#include "compiler/lower/context_function.h"
#include "runtime/abi/capture.h"

#include <linux/bpf.h>

namespace xdpc::lower {
namespace {

constexpr const char* kFunction = "capture";

llvm::Value* mapNamed(Builder& b, const char* name) {
  return b.map(*abi::mapNamed(b.program().manifest, name));
}

class CaptureFunction {
public:
  explicit CaptureFunction(Builder& b) : b(b), state_(mapNamed(b, abi::kCaptureMap)) {
    llvm::Function& function = b.function();
    slot_ = b.CreateTrunc(function.getArg(1), b.getInt32Ty());
    verdict_ = b.CreateTrunc(function.getArg(2), b.getInt32Ty());
    event_ = b.CreateTrunc(function.getArg(3), b.getInt32Ty());
  }

  void run() {
    done_ = b.block("done");
    goOnIf(b.hasMode(abi::kModeCapture)); // else the verifier looks at nothing of what follows
    goOnIf(b.CreateICmpULT(b.coarseNow(), b.loadAt(state_, offsetof(abi::CaptureState, lease_ns), 8)));
    match();
    sample();
    copy();
    b.startBlock(done_);
    b.CreateRet(b.u64(0));
  }

private:
  llvm::Value* wanted(size_t offset) { return b.loadAt(state_, offset, 4); }

  void goOnIf(llvm::Value* condition) {
    auto* next = b.block("next");
    b.CreateCondBr(condition, next, done_);
    b.startBlock(next);
  }

  void match() {
    llvm::Value* of_event = b.CreateZExt(b.CreateICmpNE(event_, b.u32(abi::kNoEvent)), b.getInt32Ty());
    goOnIf(b.CreateICmpEQ(of_event, wanted(offsetof(abi::CaptureState, of_events))));
    matchOne(slot_, wanted(offsetof(abi::CaptureState, slot)), abi::kAnySlot);
    matchOne(verdict_, wanted(offsetof(abi::CaptureState, verdict)), abi::kAnyVerdict);
  }

  void matchOne(llvm::Value* has, llvm::Value* want, uint32_t any) {
    goOnIf(b.CreateOr(b.CreateICmpEQ(has, want), b.CreateICmpEQ(want, b.u32(any))));
  }

  llvm::Value* countUp(size_t offset) {
    return b.CreateAtomicRMW(llvm::AtomicRMWInst::Add, b.at(state_, offset), b.u64(1), llvm::Align(8),
                             llvm::AtomicOrdering::SequentiallyConsistent);
  }

  // The first, and then one in so many, over all CPUs.
  void sample() {
    llvm::Value* before = countUp(offsetof(abi::CaptureState, matched));
    llvm::Value* every = b.CreateZExt(wanted(offsetof(abi::CaptureState, sample)), b.getInt64Ty());
    goOnIf(b.CreateICmpEQ(b.CreateURem(before, every), b.u64(0)));
  }

  void copy() {
    llvm::Value* length = b.call(BpfHelper::xdp_get_buff_len, {b.context});
    llvm::Value* snap = b.CreateZExt(wanted(offsetof(abi::CaptureState, snap_length)), b.getInt64Ty());
    llvm::Value* bytes = b.opaque(b.CreateSelect(b.CreateICmpULT(length, snap), length, snap));
    auto *room = b.block("room"), *lost = b.block("lost");
    std::vector<Reserved> ways;
    for (const uint32_t size : abi::kFrameSizes) {
      auto *fits = b.block("fits"), *larger = b.block("larger");
      b.CreateCondBr(b.CreateICmpULE(bytes, b.u64(size)), fits, larger);
      b.startBlock(fits);
      ways.push_back(reserve(bytes, size));
      b.CreateCondBr(b.CreateIsNull(ways.back().record), lost, room);
      b.startBlock(larger);
    }
    b.CreateBr(done_); // no frame is larger
    b.startBlock(lost);
    countUp(offsetof(abi::CaptureState, lost));
    b.CreateBr(done_);
    b.startBlock(room);
    const auto count = static_cast<unsigned>(ways.size());
    auto *record = b.CreatePHI(b.getPtrTy(), count), *copied = b.CreatePHI(b.getInt64Ty(), count);
    for (const Reserved& way : ways) {
      record->addIncoming(way.record, way.from);
      copied->addIncoming(way.bytes, way.from);
    }
    write(record, length, copied);
  }

  struct Reserved {
    llvm::Value *record, *bytes; // null, if there is no room; what is copied
    llvm::BasicBlock* from;
  };

  Reserved reserve(llvm::Value* bytes, uint32_t size) {
    // From 1 to `size`, as the verifier sees by the bits: older ones do not learn from a compare that it is not zero.
    llvm::Value* bits = b.opaque(b.CreateAnd(b.opaque(b.CreateSub(bytes, b.u64(1))), size - 1));
    llvm::Value* copied = b.opaque(b.CreateAdd(bits, b.u64(1)));
    llvm::Value* record = b.call(BpfHelper::ringbuf_reserve,
                                 {mapNamed(b, abi::kFramesMap), b.u64(sizeof(abi::FrameHeader) + size), b.u64(0)});
    return {record, copied, b.GetInsertBlock()};
  }

  void write(llvm::Value* record, llvm::Value* length, llvm::Value* copied) {
    llvm::Value* failed =
        b.call(BpfHelper::xdp_load_bytes, {b.context, b.u32(0), b.at(record, sizeof(abi::FrameHeader)), copied});
    llvm::Value* is_there = b.CreateICmpEQ(b.CreateTrunc(failed, b.getInt32Ty()), b.u32(0));
    const auto store = [&](size_t offset, llvm::Value* value) { b.storeAt(record, offset, value); };
    const auto narrow = [&](llvm::Value* value) { return b.CreateTrunc(value, b.getInt32Ty()); };
    store(offsetof(abi::FrameHeader, captured), narrow(b.CreateSelect(is_there, copied, b.u64(0))));
    store(offsetof(abi::FrameHeader, length), narrow(length));
    store(offsetof(abi::FrameHeader, slot), slot_);
    store(offsetof(abi::FrameHeader, verdict),
          b.CreateOr(b.CreateAnd(verdict_, b.u32(0xff)), b.CreateShl(b.CreateAnd(event_, b.u32(0xff)), b.u32(8))));
    store(offsetof(abi::FrameHeader, ifindex),
          b.fromContext(offsetof(xdp_md, ingress_ifindex), offsetof(abi::TestState, ifindex)));
    store(offsetof(abi::FrameHeader, rx_queue),
          b.fromContext(offsetof(xdp_md, rx_queue_index), offsetof(abi::TestState, rx_queue)));
    store(offsetof(abi::FrameHeader, time_ns), b.now());
    b.call(BpfHelper::ringbuf_submit, {record, b.u64(0)});
    b.CreateBr(done_);
  }

  Builder& b;
  llvm::Value* state_;
  llvm::Value *slot_ = nullptr, *verdict_ = nullptr, *event_ = nullptr;
  llvm::BasicBlock* done_ = nullptr;
};

} // namespace

void makeCaptureFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals) {
  makeContextFunction(program, module, debug, globals, kFunction, program.policy->span,
                      [](Builder& b) { CaptureFunction(b).run(); });
}

void captureIfAsked(Builder& b, llvm::Value* slot, llvm::Value* verdict, uint8_t event) {
  auto *capture = b.block("capture"), *done = b.block("captured");
  b.CreateCondBr(b.hasMode(abi::kModeCapture), capture, done);
  b.startBlock(capture);
  auto* wide = b.getInt64Ty();
  b.CreateCall(b.function().getParent()->getFunction(kFunction),
               {b.context, b.CreateZExt(slot, wide), b.CreateZExt(verdict, wide), b.u64(event)});
  b.CreateBr(done);
  b.startBlock(done);
}

} // namespace xdpc::lower
