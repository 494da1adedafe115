// Walks options in a bounded loop over a copy of their bytes.
#include "compiler/lower/context_function.h"
#include "compiler/lower/options.h"

#include <set>

namespace xdpc::lower {
namespace {

constexpr unsigned kMaxBytes = 40;    // of options: both headers that have them are 60 bytes at most
constexpr unsigned kBufferBytes = 64; // a power of two, for masks
constexpr unsigned kPadding = 8;      // behind it: a length that lies beyond the options reads as zero

class OptionFunction {
public:
  OptionFunction(Builder& b, std::vector<ir::HeaderId> options) : b(b), options_(std::move(options)) {}

  void run() {
    buffer_ = b.zeroed(0, kBufferBytes + kPadding);
    auto *loaded = b.block("loaded"), *none = b.block("none");
    load(loaded, none);
    b.startBlock(none);
    b.CreateRet(b.u64(0));
    b.startBlock(loaded);
    loop();
  }

private:
  uint64_t resultMask() const {
    const size_t bits = options_.size() * OptionResult::kPlaceBits;
    return (uint64_t{1} << bits) - 1;
  }

  void load(llvm::BasicBlock* loaded, llvm::BasicBlock* failed) {
    llvm::Value* bytes = b.function().getArg(2);
    // From 1 to 64 by its bits: the helper takes no zero, and not all verifiers learn from the compare.
    llvm::Value* bits = b.opaque(b.CreateAnd(b.opaque(b.CreateSub(bytes, b.u64(1))), kBufferBytes - 1));
    length_ = b.opaque(b.CreateAdd(bits, b.u64(1)));
    llvm::Value* start = b.CreateTrunc(b.function().getArg(1), b.getInt32Ty());
    llvm::Value* result = b.call(BpfHelper::xdp_load_bytes, {b.context, start, buffer_, length_});
    b.CreateCondBr(b.CreateICmpEQ(b.CreateTrunc(result, b.getInt32Ty()), b.u32(0)), loaded, failed);
  }

  // What was found are bits that the verifier does not know, so that it does not follow every combination of options by
  // itself.
  void loop() {
    auto *head = b.block("option"), *step = b.block("option.next"), *end = b.block("option.end"),
         *more = b.block("option.more"), *inside = b.block("option.inside");
    auto* before = b.GetInsertBlock();
    b.CreateBr(head);
    b.startBlock(head);
    llvm::PHINode *at = b.CreatePHI(b.getInt64Ty(), 2), *count = b.CreatePHI(b.getInt64Ty(), 2),
                  *found = b.CreatePHI(b.getInt64Ty(), 2);
    for (llvm::PHINode* phi : {at, count, found})
      phi->addIncoming(b.u64(0), before);
    b.CreateCondBr(b.CreateICmpULT(count, b.u64(kMaxBytes)), more, end);
    b.startBlock(more);
    b.CreateCondBr(b.CreateICmpULT(at, length_), inside, end);

    b.startBlock(step);
    next_at_ = b.CreatePHI(b.getInt64Ty(), 2);
    next_found_ = b.CreatePHI(b.getInt64Ty(), 2);
    at->addIncoming(b.forgotten(next_at_, 2 * kBufferBytes - 1), step);
    count->addIncoming(b.CreateAdd(count, b.u64(1)), step);
    found->addIncoming(b.forgotten(next_found_, resultMask()), step);
    b.CreateBr(head);

    b.startBlock(inside);
    lowerOne(at, found, step, end);
    b.startBlock(end);
    b.CreateRet(found);
  }

  llvm::Value* byteAt(llvm::Value* at, unsigned behind) {
    llvm::Value* index = b.opaque(b.CreateAnd(b.opaque(at), kBufferBytes - 1));
    return b.CreateZExt(b.loadAt(b.at(b.at(buffer_, index), behind), 0, 1), b.getInt64Ty());
  }

  void lowerOne(llvm::Value* at, llvm::Value* found, llvm::BasicBlock* step, llvm::BasicBlock* end) {
    auto *single = b.block("option.single"), *sized = b.block("option.sized"), *whole = b.block("option.whole");
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
    for (size_t i = 0; i < options_.size(); ++i)
      found = b.CreateOr(found, taken(i, number, bytes, at, found));
    goOn(behind, found, step);
  }

  llvm::Value* isEqual(llvm::Value* left, uint64_t right) {
    return b.opaque(b.isLess(b.CreateXor(left, b.u64(right)), b.u64(1)));
  }

  // Its bits of the result, or none. By arithmetic: each branch would double the states of each turn.
  llvm::Value* taken(size_t index, llvm::Value* number, llvm::Value* bytes, llvm::Value* at, llvm::Value* found) {
    const ir::Header& option = b.policy().headers[options_[index]];
    const unsigned shift = index * OptionResult::kPlaceBits;
    llvm::Value* is = isEqual(number, option.option);
    if (option.min_size > 0) // a flag takes any length
      is = b.CreateAnd(is, isEqual(bytes, option.min_size + 2));
    llvm::Value* before = b.CreateAnd(b.CreateLShr(found, shift), (1u << OptionResult::kPlaceBits) - 1);
    is = b.CreateAnd(is, isEqual(before, 0));
    return b.CreateShl(b.CreateMul(b.CreateAdd(at, b.u64(1)), is), shift);
  }

  void goOn(llvm::Value* at, llvm::Value* found, llvm::BasicBlock* step) {
    next_at_->addIncoming(at, b.GetInsertBlock());
    next_found_->addIncoming(found, b.GetInsertBlock());
    b.CreateBr(step);
  }

  Builder& b;
  std::vector<ir::HeaderId> options_;
  llvm::Value *buffer_ = nullptr, *length_ = nullptr;
  llvm::PHINode *next_at_ = nullptr, *next_found_ = nullptr;
};

} // namespace

std::vector<ir::HeaderId> optionsOf(const plan::Program& program, ir::HeaderId owner) {
  std::vector<ir::HeaderId> options;
  const auto& headers = program.policy->headers;
  for (ir::HeaderId id = 0; id < headers.size(); ++id)
    if (headers[id].kind == ir::HeaderKind::option && headers[id].of == owner && program.headers[id].asked)
      options.push_back(id);
  return options;
}

std::string optionFunctionName(ir::HeaderId owner, size_t group) {
  return "options_" + std::to_string(owner) + "_" + std::to_string(group);
}

void makeOptionFunctions(const plan::Program& program, llvm::Module& module, DebugInfo& debug, const Globals& globals) {
  std::set<ir::HeaderId> owners;
  for (const ir::Header& header : program.policy->headers)
    if (header.kind == ir::HeaderKind::option)
      owners.insert(header.of);
  for (const ir::HeaderId owner : owners) {
    const std::vector<ir::HeaderId> options = optionsOf(program, owner);
    for (size_t group = 0; group < OptionResult::groups(options.size()); ++group) {
      const auto first = options.begin() + group * OptionResult::kGroup;
      const auto last = options.begin() + std::min(options.size(), (group + 1) * OptionResult::kGroup);
      makeContextFunction(
          program, module, debug, globals, optionFunctionName(owner, group), program.policy->rules.front().span,
          [&](Builder& b) { OptionFunction(b, {first, last}).run(); }, 2);
    }
  }
}

} // namespace xdpc::lower
