// Masks offsets of reads. Offsets that are constants are compared with the bound here.
#include "compiler/extern_c/clang/payload_reads.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

namespace xdpc::clang_plugin {
namespace {

class Reads {
public:
  Reads(llvm::Function& function, const Places& places)
      : function_(function), places_(places), layout_(function.getParent()->getDataLayout()) {}

  void bound(const llvm::Argument& payload) {
    std::vector<llvm::Instruction*> all;
    for (llvm::Instruction& instruction : llvm::instructions(function_))
      if (const llvm::Use* pointer = readPointer(instruction); pointer && readsFrom(*pointer, payload))
        all.push_back(&instruction);
    for (llvm::Instruction* instruction : all)
      bound(*instruction, payload);
  }

private:
  static llvm::Use* readPointer(llvm::Instruction& instruction) {
    if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction))
      return &load->getOperandUse(llvm::LoadInst::getPointerOperandIndex());
    if (auto* copy = llvm::dyn_cast<llvm::MemTransferInst>(&instruction))
      return &copy->getRawSourceUse();
    return nullptr;
  }

  // Through sums, choices and loops.
  bool readsFrom(const llvm::Use& pointer, const llvm::Argument& payload) const {
    llvm::SmallVector<const llvm::Value*> objects;
    llvm::getUnderlyingObjects(pointer.get(), objects, nullptr, 0);
    if (!llvm::is_contained(objects, &payload))
      return false;
    if (llvm::any_of(objects, [&](const llvm::Value* object) { return object != &payload; }))
      places_.error(llvm::cast<llvm::Instruction>(pointer.getUser())->getDebugLoc(),
                    "a read through a pointer to a payload or to something else",
                    "read each by itself, and choose then");
    return true;
  }

  uint64_t bytesOf(const llvm::Instruction& instruction) const {
    if (const auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction))
      return layout_.getTypeStoreSize(load->getType());
    const auto* length = llvm::dyn_cast<llvm::ConstantInt>(llvm::cast<llvm::MemTransferInst>(instruction).getLength());
    return length ? length->getZExtValue() : UINT64_MAX;
  }

  void bound(llvm::Instruction& read, const llvm::Argument& payload) {
    llvm::Use& pointer = *readPointer(read);
    const uint64_t bytes = bytesOf(read);
    if (bytes > kXdpcPayloadRoom - kXdpcPayloadBefore - kXdpcPayloadIndices)
      return places_.error(read.getDebugLoc(), "a copy of a payload's bytes that is not at most 64 constant bytes long",
                           "copy in a loop");
    if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&read); load && load->getType()->isIntegerTy())
      if (const unsigned bits = load->getType()->getIntegerBitWidth(); bits <= 64 && llvm::isPowerOf2_32(bits))
        load->setAlignment(llvm::Align(std::max(bits / 8, 1u))); // the machines that run it need none
    llvm::APInt offset(64, 0);
    if (pointer->stripAndAccumulateConstantOffsets(layout_, offset, true) == &payload) {
      if (offset.isNegative() || offset.getZExtValue() + bytes > kXdpcPayloadMax)
        places_.error(read.getDebugLoc(),
                      "a read of byte " + std::to_string(offset.getSExtValue()) +
                          " of a payload, of which C sees the first " + std::to_string(kXdpcPayloadMax),
                      "");
      return;
    }
    mask(read, pointer, payload);
  }

  void mask(llvm::Instruction& read, llvm::Use& pointer, const llvm::Argument& payload) {
    llvm::IRBuilder<> b(&read);
    auto* number = b.getInt64Ty();
    auto* start = const_cast<llvm::Argument*>(&payload);
    llvm::Value* offset = b.CreateSub(b.CreatePtrToInt(pointer.get(), number), b.CreatePtrToInt(start, number));
    auto* type = llvm::FunctionType::get(number, {number}, false);
    // Hidden from the optimizer, which would take the mask away where it knows better than the verifier.
    llvm::Value* hidden = b.CreateCall(llvm::InlineAsm::get(type, "", "=r,0", false), {offset});
    llvm::Value* masked =
        b.CreateCall(llvm::InlineAsm::get(type, "", "=r,0", false), {b.CreateAnd(hidden, kXdpcPayloadIndices - 1)});
    pointer.set(b.CreateGEP(b.getInt8Ty(), start, masked));
  }

  llvm::Function& function_;
  const Places& places_;
  const llvm::DataLayout& layout_;
};

} // namespace

void boundPayloadReads(const XdpcSource& source, llvm::Module& module, const Places& places) {
  for (unsigned i = 0; i < source.function_count; ++i) {
    llvm::Function* function = module.getFunction(source.functions[i].name);
    if (!function || function->isDeclaration())
      continue;
    unsigned argument = 0;
    for (unsigned p = 0; p < source.functions[i].parameter_count; ++p) {
      const unsigned kind = source.functions[i].parameters[p];
      if (kind == kXdpcPayload)
        Reads(*function, places).bound(*function->getArg(argument));
      argument += kind == kXdpcPayload || kind == kXdpcIpv6 ? 2 : 1;
    }
  }
}

} // namespace xdpc::clang_plugin
