// Compiles a policy as ever, and takes the functions out of what the back end wrote.
#include "compiler/codegen/prepare.h"
#include "compiler/codegen/elf_parts.h"
#include "compiler/codegen/emit.h"
#include "compiler/lower/fingerprint.h"
#include "compiler/lower/module.h"
#include "compiler/lower/parameter.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/Support/ErrorHandling.h>

namespace xdpc::codegen {
namespace {

// Of a function before the back end changes it.
struct Print {
  std::array<uint64_t, 2> hash = {};
  llvm::StringMap<uint32_t> references; // by name
};

llvm::StringMap<Print> printsOf(const llvm::Module& module) {
  llvm::StringMap<Print> prints;
  for (const llvm::Function& function : module) {
    if (function.isDeclaration() || !lower::isCalled(function))
      continue;
    const auto found = lower::fingerprint(function);
    if (!found)
      continue;
    Print& print = prints[function.getName()];
    print.hash = found->hash;
    for (const llvm::GlobalValue* reference : found->references)
      print.references.try_emplace(reference->getName(), print.references.size());
  }
  return prints;
}

MadeFunction take(const ElfParts& object, const ElfSymbol& symbol, const Print& print) {
  const ElfSection& section = object.sections[symbol.section];
  MadeFunction made{symbol.name, print.hash, section.bytes, {}};
  for (const ElfRelocation& relocation : section.relocations) {
    const auto reference = print.references.find(object.symbols[relocation.symbol].name);
    if (reference == print.references.end())
      llvm::report_fatal_error("a function refers to what it does not name");
    made.relocations.push_back({static_cast<uint32_t>(relocation.offset), relocation.type, reference->second});
  }
  return made;
}

} // namespace

std::vector<MadeFunction> prepare(const plan::Program& program) {
  start();
  const Refusals refusals;
  const lower::Module module = lower::lower(program);
  const llvm::StringMap<Print> prints = printsOf(*module.impl().module);
  const auto bytes = emit(module, {}, Emitted::share);
  std::vector<MadeFunction> made;
  if (!bytes)
    return made;
  const ElfParts object = readElf(*bytes);
  for (const ElfSymbol& symbol : object.symbols)
    if (const auto print = prints.find(symbol.name); print != prints.end() && symbol.section != ElfSymbol::kUndefined)
      made.push_back(take(object, symbol, print->second));
  return made;
}

} // namespace xdpc::codegen
