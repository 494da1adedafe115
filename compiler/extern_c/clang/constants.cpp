// One structure of all constants that are used, in the order of the file.
#include "compiler/extern_c/clang/constants.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>

namespace xdpc::clang_plugin {
namespace {

bool holdsAddresses(const llvm::Constant& constant) {
  if (llvm::isa<llvm::GlobalValue>(constant))
    return true;
  for (const llvm::Use& operand : constant.operands())
    if (holdsAddresses(*llvm::cast<llvm::Constant>(operand)))
      return true;
  return false;
}

} // namespace

uint64_t gatherConstants(llvm::Module& module, const Places& places) {
  const llvm::DataLayout& layout = module.getDataLayout();
  std::vector<llvm::GlobalVariable*> globals;
  for (llvm::GlobalVariable& global : module.globals())
    if (!global.use_empty() && global.hasInitializer())
      globals.push_back(&global);
  std::vector<llvm::Constant*> fields;
  std::vector<uint64_t> offsets;
  auto* byte = llvm::Type::getInt8Ty(module.getContext());
  uint64_t size = 0;
  auto pad = [&](uint64_t to) {
    if (to > size)
      fields.push_back(llvm::ConstantAggregateZero::get(llvm::ArrayType::get(byte, to - size)));
    size = to;
  };
  for (llvm::GlobalVariable* global : globals) {
    if (holdsAddresses(*global->getInitializer())) {
      places.error(llvm::DebugLoc(), "`" + global->getName().str() + "` holds addresses, which a program cannot load",
                   "hold the values themselves, or indices");
      continue;
    }
    pad(llvm::alignTo(size, std::max(layout.getPreferredAlign(global), llvm::Align(8))));
    offsets.push_back(size);
    fields.push_back(global->getInitializer());
    size += layout.getTypeAllocSize(global->getValueType());
  }
  if (fields.empty() || offsets.size() != globals.size())
    return 0;
  pad(llvm::alignTo(size, 8));
  auto* contents = llvm::ConstantStruct::getAnon(module.getContext(), fields, true);
  auto* all = new llvm::GlobalVariable(module, contents->getType(), true, llvm::GlobalValue::ExternalLinkage, contents,
                                       "xdpc.constants");
  all->setAlignment(llvm::Align(8));
  for (size_t i = 0; i < globals.size(); ++i) {
    auto* place = llvm::ConstantExpr::getGetElementPtr(
        byte, all, llvm::ConstantInt::get(llvm::Type::getInt64Ty(module.getContext()), offsets[i]));
    globals[i]->replaceAllUsesWith(place);
    globals[i]->eraseFromParent();
  }
  return size;
}

} // namespace xdpc::clang_plugin
