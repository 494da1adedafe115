// Lowers scans.
#include "compiler/lower/scan.h"
#include "compiler/lower/context_function.h"
#include "compiler/lower/write_back.h"
#include "compiler/plan/scan.h"

#include <bit>

namespace xdpc::lower {
namespace {

constexpr uint64_t kAnswered = uint64_t{1} << 63; // tells an answer from what stands there before one

// u64 scan_N(context, start, ip_end, length): the payload begins at `start`.
class ScanFunction {
public:
  ScanFunction(Builder& b, const plan::ScanPlan& plan) : b(b), plan_(plan), table_(b.map(plan.map)) {}

  void run() {
    auto argument = [&](unsigned number) { return b.function().getArg(number); };
    auto *look = b.block("look"), *found = b.block("found"), *none = b.block("none"), *loaded = b.block("loaded");
    llvm::Value* start = argument(1);
    llvm::Value* bytes = payloadBytes(start, argument(2), argument(3));
    b.CreateCondBr(b.CreateICmpSLT(bytes, b.u64(plan_.shortest)), none, look);
    b.startBlock(look);
    llvm::Value* buffer = payloadBuffer(b);
    llvm::Value* size = boundedSize(bytes);
    b.CreateCondBr(b.CreateIsNull(buffer), none, found);
    b.startBlock(found);
    llvm::Value* offset = b.CreateTrunc(start, b.getInt32Ty());
    llvm::Value* result =
        b.call(BpfHelper::xdp_load_bytes, {b.context, offset, buffer, b.CreateTrunc(size, b.getInt32Ty())});
    b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), loaded, none);
    b.startBlock(none);
    b.CreateRet(b.u64(kAnswered));
    b.startBlock(loaded);
    b.CreateRet(b.CreateOr(walk(buffer, size), kAnswered));
  }

private:
  // Up to IP's length and the frame's; no more than the limit. Negative where IP ends before the payload.
  llvm::Value* payloadBytes(llvm::Value* start, llvm::Value* ip_end, llvm::Value* length) {
    llvm::Value* claimed = b.CreateSelect(b.CreateICmpEQ(ip_end, b.u64(0)), length, ip_end);
    llvm::Value* end = b.CreateSelect(b.CreateICmpULT(claimed, length), claimed, length);
    llvm::Value* bytes = b.CreateSub(end, start);
    return b.CreateSelect(b.CreateICmpSLT(bytes, b.u64(plan_.within)), bytes, b.u64(plan_.within));
  }

  // 1 and up by its bits: older verifiers do not learn from a compare that a number is not zero. Forgotten: the limit
  // itself would be a case of its own to the verifier, with a walk of its own.
  llvm::Value* boundedSize(llvm::Value* bytes) {
    static_assert(std::has_single_bit(ir::kMaxPayloadBytes));
    llvm::Value* less = b.forgotten(b.CreateSub(bytes, b.u64(1)), std::bit_ceil(plan_.within) - 1);
    return b.opaque(b.CreateAdd(less, b.u64(1)));
  }

  // One step a byte, without a branch but the loop's: an early end would be one more way for the verifier, and would
  // tell an attacker's packets from others by time.
  llvm::Value* walk(llvm::Value* buffer, llvm::Value* size) {
    auto *before = b.GetInsertBlock(), *step = b.block("step"), *done = b.block("done");
    b.CreateBr(step);
    b.startBlock(step);
    llvm::PHINode* at = b.CreatePHI(b.getInt64Ty(), 2, "at");
    llvm::PHINode* row = b.CreatePHI(b.getInt64Ty(), 2, "row");
    llvm::PHINode* answer = b.CreatePHI(b.getInt64Ty(), 2, "answer");
    llvm::Value* word = transition(row, b.CreateZExt(b.loadAt(b.at(buffer, at), 0, 1), b.getInt64Ty()));
    llvm::Value* found = foundBy(b.CreateLShr(word, plan::kScanRowBits));
    llvm::Value* next = b.opaque(b.CreateAdd(at, b.u64(1))); // a count of its own: no pointer takes its place
    llvm::Value* next_answer = b.CreateOr(answer, found);
    llvm::Value* next_row = b.CreateAnd(word, (uint64_t{1} << plan::kScanRowBits) - 1);
    for (auto [phi, first, later] :
         {std::tuple{at, b.u64(0), next}, {row, b.u64(0), next_row}, {answer, b.u64(0), next_answer}}) {
      phi->addIncoming(first, before);
      phi->addIncoming(later, step);
    }
    b.CreateCondBr(b.CreateICmpULT(next, size), step, done);
    b.startBlock(done);
    return next_answer;
  }

  llvm::Value* transition(llvm::Value* row, llvm::Value* byte) {
    uint32_t words = plan::scanWords(plan_.sets);
    uint64_t count = (b.program().tables.at(plan_.map).size() - words) / sizeof(uint32_t); // a power of two
    llvm::Value* column = b.CreateZExt(b.loadAt(b.at(table_, byte), 0, 1), b.getInt64Ty());
    llvm::Value* index = b.opaque(b.CreateAnd(b.opaque(b.CreateAdd(row, column)), count - 1));
    llvm::Value* place = b.at(b.at(table_, words), b.CreateShl(index, 2));
    return b.CreateZExt(b.loadAt(place, 0, 4), b.getInt64Ty());
  }

  llvm::Value* foundBy(llvm::Value* number) {
    if (plan_.sets == 1)
      return number;
    number = b.opaque(number);
    return b.loadAt(b.at(b.at(table_, plan::kScanClasses), b.CreateShl(number, 3)), 0, 8);
  }

  Builder& b;
  const plan::ScanPlan& plan_;
  llvm::Value* table_;
};

Span placeOf(const plan::Program& program, uint32_t scan) {
  for (size_t id = 0; id < program.patterns.size(); ++id)
    if (program.patterns[id].scan == scan)
      return program.policy->patterns[id].span;
  return program.policy->span;
}

// No answer, but to the verifier it may be one.
llvm::Value* unknownZero(llvm::IRBuilderBase& at, const Builder& b) {
  llvm::Value* zero =
      at.CreateConstGEP1_64(at.getInt8Ty(), b.map(b.program().common.control), offsetof(abi::Control, zero));
  return at.CreateAlignedLoad(at.getInt64Ty(), zero, llvm::Align(8));
}

// Where the answer of this packet's scan is kept. What stands there first is zero, which the verifier does not know:
// whether a scan has run is then no difference between the ways that lead to a rule.
llvm::Value* answerPlace(Builder& b, uint32_t scan, ir::HeaderId header) {
  llvm::Value*& place = b.scans[{scan, header}];
  if (place)
    return place;
  llvm::BasicBlock& first = b.function().getEntryBlock();
  llvm::IRBuilder<> entry(&first, first.begin());
  auto* slot = entry.CreateAlloca(entry.getInt64Ty(), nullptr, "scan.answer");
  entry.CreateAlignedStore(unknownZero(entry, b), slot, llvm::Align(8));
  return place = slot;
}

} // namespace

void forgetScans(Builder& b, const std::function<bool(ir::HeaderId)>& changed) {
  for (const auto& [scan, place] : b.scans)
    if (changed(scan.second))
      b.storeAt(place, 0, unknownZero(b, b));
}

llvm::Value* payloadBuffer(Builder& b) {
  // Not the scratch buffer: a key that is being put together may lie there.
  llvm::BasicBlock& first = b.function().getEntryBlock();
  llvm::AllocaInst*& key = b.payload_key;
  if (!key)
    key = llvm::IRBuilder<>(&first, first.begin()).CreateAlloca(b.getInt32Ty(), nullptr, "payload.key");
  b.CreateAlignedStore(b.u32(0), key, llvm::Align(4));
  return b.call(BpfHelper::map_lookup_elem, {b.map(*b.program().common.payload), key});
}

void makeScanFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, Globals& globals) {
  for (uint32_t scan = 0; scan < program.scans.size(); ++scan)
    globals.scans[scan] =
        makeContextFunction(program, module, debug, globals, "scan_" + std::to_string(scan), placeOf(program, scan),
                            [&](Builder& b) { ScanFunction(b, program.scans[scan]).run(); });
}

llvm::Value* lowerScan(Builder& b, uint32_t scan, ir::HeaderId header, llvm::Value* start, llvm::Value* ip_end) {
  auto call = [&] {
    if (b.program().rewrites)
      writeBack(b, b.copied); // it reads the frame itself
    return b.CreateCall(b.globals().scans.at(scan), {b.context, start, ip_end, b.length});
  };
  if (b.program().scans[scan].uses < 2)
    return call();
  llvm::Value* place = answerPlace(b, scan, header);
  auto *look = b.block("scan"), *done = b.block("scanned");
  b.CreateCondBr(b.CreateICmpSLT(b.loadAt(place, 0, 8), b.u64(0)), done, look);
  b.startBlock(look);
  b.storeAt(place, 0, call());
  b.CreateBr(done);
  b.startBlock(done);
  return b.loadAt(place, 0, 8);
}

} // namespace xdpc::lower
