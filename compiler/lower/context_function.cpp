// Functions of the context.
#include "compiler/lower/context_function.h"

namespace xdpc::lower {

llvm::Function* makeContextFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                    const Globals& globals, const std::string& name, Span place,
                                    const std::function<void(Builder&)>& body, unsigned numbers) {
  auto& context = module.getContext();
  auto* u64 = llvm::Type::getInt64Ty(context);
  std::vector<llvm::Type*> parameters(1 + numbers, u64);
  parameters[0] = llvm::PointerType::get(context, 0);
  auto* type = llvm::FunctionType::get(u64, parameters, false);
  // Weak and not inlined, as in key_function.cpp.
  auto* function = llvm::Function::Create(type, llvm::Function::WeakAnyLinkage, name, module);
  function->addFnAttr(llvm::Attribute::NoInline);
  function->setDoesNotThrow();
  debug.enterContextFunction(*function, numbers);
  Builder b(program, module, *function, globals);
  b.startBlock(b.block("entry"));
  debug.setPlace(b, place);
  b.context = function->getArg(0);
  body(b);
  return function;
}

} // namespace xdpc::lower
