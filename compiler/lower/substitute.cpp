// Finds prepared functions by their fingerprints.
#include "compiler/lower/substitute.h"
#include "compiler/lower/fingerprint.h"
#include "compiler/lower/parameter.h"

#include <llvm/IR/IRBuilder.h>

#include <algorithm>

namespace xdpc::lower {
namespace {

const PreparedFunction* find(PreparedFunctions prepared, const Fingerprint& print) {
  const auto found = std::ranges::lower_bound(prepared, print.hash, {}, &PreparedFunction::fingerprint);
  return found != prepared.end() && found->fingerprint == print.hash ? &*found : nullptr;
}

// Its linkage and what debuggers are told stay.
void leaveReturn(llvm::Function& function) {
  const llvm::DebugLoc place = function.getEntryBlock().getTerminator()->getDebugLoc();
  llvm::DISubprogram* described = function.getSubprogram();
  const auto linkage = function.getLinkage();
  function.deleteBody();
  function.setLinkage(linkage);
  function.setSubprogram(described);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(function.getContext(), "", &function));
  b.SetCurrentDebugLocation(place);
  b.CreateRet(llvm::ConstantInt::get(function.getReturnType(), 0));
}

} // namespace

std::vector<Substitute> substitute(llvm::Module& module, PreparedFunctions prepared) {
  std::vector<Substitute> made;
  if (prepared.empty())
    return made;
  for (llvm::Function& function : module) {
    if (function.isDeclaration() || !isCalled(function))
      continue;
    const auto print = fingerprint(function);
    const PreparedFunction* found = print ? find(prepared, *print) : nullptr;
    if (!found)
      continue;
    Substitute one{function.getName().str(), found, {}};
    for (const llvm::GlobalValue* reference : print->references)
      one.references.push_back(reference->getName().str());
    made.push_back(std::move(one));
  }
  // Fingerprints first: they tell what is called by what it does.
  for (const Substitute& one : made)
    leaveReturn(*module.getFunction(one.function));
  return made;
}

} // namespace xdpc::lower
