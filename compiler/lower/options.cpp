// Calls the functions of a header's options and goes on with what they found.
#include "compiler/lower/options.h"

namespace xdpc::lower {
namespace {

class OptionCall {
public:
  OptionCall(Builder& b, ir::HeaderId id, const HeaderValue& value)
      : b(b), id_(id), owner_(b.policy().headers[id]), value_(value), options_(optionsOf(b.program(), id)) {}

  std::map<ir::HeaderId, HeaderValue> run() {
    auto *some = b.block("options"), *done = b.block("options.done");
    llvm::Value* bytes = b.CreateSub(value_.size, b.u64(owner_.min_size));
    auto* none = b.GetInsertBlock();
    b.CreateCondBr(b.CreateICmpEQ(bytes, b.u64(0)), done, some);
    b.startBlock(some);
    llvm::Value* start = b.CreateAdd(value_.offset, b.u64(owner_.min_size));
    std::vector<llvm::Value*> results;
    for (size_t group = 0; group < OptionResult::groups(options_.size()); ++group)
      results.push_back(b.CreateCall(b.function().getParent()->getFunction(optionFunctionName(id_, group)),
                                     {b.context, start, bytes}));
    auto* walked = b.GetInsertBlock();
    b.CreateBr(done);
    b.startBlock(done);
    for (llvm::Value*& result : results) {
      llvm::PHINode* either = b.CreatePHI(b.getInt64Ty(), 2);
      either->addIncoming(b.u64(0), none);
      either->addIncoming(result, walked);
      result = b.opaque(either);
    }
    return known(results);
  }

private:
  std::map<ir::HeaderId, HeaderValue> known(const std::vector<llvm::Value*>& results) {
    std::map<ir::HeaderId, HeaderValue> headers;
    auto* gone = b.block("option.gone");
    for (size_t i = 0; i < options_.size(); ++i) {
      const unsigned shift = i % OptionResult::kGroup * OptionResult::kPlaceBits;
      llvm::Value* place = b.CreateLShr(results[i / OptionResult::kGroup], shift);
      headers[options_[i]] = found(options_[i], b.CreateAnd(place, (1u << OptionResult::kPlaceBits) - 1), gone);
    }
    auto* there = b.GetInsertBlock();
    b.startBlock(gone); // cannot be: it was found there
    b.CreateRet(b.u32(abi::kAborted));
    b.startBlock(there);
    return headers;
  }

  // Where it is not, its place is that of the header, which no one reads.
  HeaderValue found(ir::HeaderId id, llvm::Value* place, llvm::BasicBlock* gone) {
    const ir::Header& option = b.policy().headers[id];
    HeaderValue value{value_.base, value_.offset, b.u64(option.min_size), nullptr};
    value.present = b.CreateICmpNE(place, b.u64(0));
    if (value_.present)
      value.present = b.CreateAnd(value.present, value_.present);
    if (option.min_size == 0)
      return value;
    // Places count from 1, and before the value are two bytes.
    llvm::Value* there = b.opaque(b.isLess(b.u64(0), place));
    llvm::Value* behind = b.CreateAdd(place, b.CreateMul(there, b.u64(owner_.min_size + 1)));
    value.offset = b.forgotten(b.CreateAdd(value_.offset, behind), plan::kCopiedBytes - 1);
    if (option.min_size <= owner_.min_size) {
      value.base = b.packetAt(value.offset, option.min_size, gone);
      return value;
    }
    // The header may end before as many bytes as the option has.
    auto *absent = b.block("option.absent"), *done = b.block("option.known");
    llvm::Value* base = b.packetAt(value.offset, option.min_size, absent);
    auto* known = b.GetInsertBlock();
    b.CreateBr(done);
    b.startBlock(absent);
    b.CreateBr(done);
    b.startBlock(done);
    const auto merge = [&](llvm::Value* here, llvm::Value* missing) {
      llvm::PHINode* phi = b.CreatePHI(here->getType(), 2);
      phi->addIncoming(here, known);
      phi->addIncoming(missing, absent);
      return phi;
    };
    value.base = merge(base, value_.base);
    value.present = merge(value.present, b.getFalse());
    return value;
  }

  Builder& b;
  ir::HeaderId id_;
  const ir::Header& owner_;
  const HeaderValue& value_;
  const std::vector<ir::HeaderId> options_;
};

} // namespace

std::map<ir::HeaderId, HeaderValue> lowerOptions(Builder& b, ir::HeaderId owner, const HeaderValue& value) {
  return OptionCall(b, owner, value).run();
}

} // namespace xdpc::lower
