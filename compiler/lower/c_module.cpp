// Reads bitcode and links it. All names get the module's number in front: C has names of its own.
#include "compiler/lower/c_module.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

namespace xdpc::lower {
namespace {

[[noreturn]] void bug(const std::string& what) {
  llvm::errs() << "xdpc: internal error: a C module " << what << "\n";
  abort();
}

std::unique_ptr<llvm::Module> read(const ir::CModule& from, llvm::LLVMContext& context) {
  auto read = llvm::parseBitcodeFile(llvm::MemoryBufferRef(from.bitcode, "c"), context);
  if (!read)
    bug("does not read: " + llvm::toString(read.takeError()));
  return std::move(*read);
}

std::string nameOf(size_t number, llvm::StringRef name) {
  return ("c." + llvm::Twine(number) + "." + name).str();
}

} // namespace

std::map<ir::ExternId, llvm::Function*> linkCModules(const plan::Program& program, llvm::Module& module) {
  const ir::Policy& policy = *program.policy;
  std::map<ir::ExternId, llvm::Function*> functions;
  for (size_t number = 0; number < policy.c_modules.size(); ++number) {
    const ir::CModule& from = policy.c_modules[number];
    auto one = read(from, module.getContext());
    one->setDataLayout(module.getDataLayout());
    for (llvm::Function& function : *one)
      if (!function.isDeclaration())
        function.setName(nameOf(number, function.getName()));
    if (llvm::GlobalVariable* constants = one->getNamedGlobal("xdpc.constants")) {
      constants->setName(nameOf(number, "constants"));
      constants->setSection(program.manifest.maps[*program.constants[number]].name);
    }
    if (llvm::Linker::linkModules(module, std::move(one)))
      bug("does not link");
    for (const ir::ExternId id : from.functions) {
      functions[id] = module.getFunction(nameOf(number, policy.externs[id].name));
      functions[id]->setLinkage(llvm::GlobalValue::InternalLinkage);
    }
  }
  return functions;
}

} // namespace xdpc::lower
