// The name of a symbol is FUNCTION.NAME=VALUE.
#include "compiler/lower/parameter.h"

#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Module.h>

namespace xdpc::lower {

bool isCalled(const llvm::Function& function) {
  return function.hasWeakAnyLinkage();
}

llvm::GlobalVariable* parameterSymbol(llvm::Function& function, llvm::StringRef name, uint64_t value) {
  llvm::Module& module = *function.getParent();
  const std::string symbol = (function.getName() + "." + name + "=" + llvm::Twine(value)).str();
  if (auto* known = module.getNamedGlobal(symbol))
    return known;
  // Of a weak symbol the optimizer does not think that its address is not 0.
  return new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(module.getContext()), false,
                                  llvm::GlobalValue::ExternalWeakLinkage, nullptr, symbol);
}

std::optional<uint64_t> parameterValue(llvm::StringRef symbol) {
  uint64_t value;
  const auto [name, digits] = symbol.rsplit('=');
  if (digits.empty() || digits.getAsInteger(10, value))
    return {};
  return value;
}

} // namespace xdpc::lower
