// The pipeline: LLVM's O2 for BPF, between preparation and what is checked.
#include "compiler/extern_c/clang/optimize.h"
#include "compiler/extern_c/clang/constants.h"
#include "compiler/extern_c/clang/payload_reads.h"
#include "compiler/extern_c/clang/refused.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

extern "C" {
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
}

namespace xdpc::clang_plugin {
namespace {

std::unique_ptr<llvm::TargetMachine> makeTarget() {
  LLVMInitializeBPFTargetInfo();
  LLVMInitializeBPFTarget();
  LLVMInitializeBPFTargetMC();
  LLVMInitializeBPFAsmPrinter();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("bpfel", error);
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      "bpfel", "v3", "", llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

bool isNamed(const XdpcSource& source, llvm::StringRef name) {
  for (unsigned i = 0; i < source.function_count; ++i)
    if (name == source.functions[i].name)
      return true;
  return false;
}

// What the policy does not name is the file's own, and goes into what calls it. What else a file asks of a linker has
// no meaning here.
void prepare(const XdpcSource& source, llvm::Module& module) {
  for (llvm::Function& function : module) {
    if (function.isDeclaration())
      continue;
    function.removeFnAttr(llvm::Attribute::NoInline);
    function.removeFnAttr(llvm::Attribute::OptimizeNone);
    function.addFnAttr(llvm::Attribute::AlwaysInline);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.setSection("");
    function.setLinkage(isNamed(source, function.getName()) ? llvm::GlobalValue::ExternalLinkage
                                                            : llvm::GlobalValue::InternalLinkage);
  }
  for (llvm::GlobalVariable& global : llvm::make_early_inc_range(module.globals()))
    if (global.getName().starts_with("llvm.")) // lists of what to keep, constructors
      global.eraseFromParent();
    else if (!global.isDeclaration())
      global.setLinkage(llvm::GlobalValue::InternalLinkage);
}

bool hasAll(const XdpcSource& source, const llvm::Module& module, Reporter& reporter) {
  for (unsigned i = 0; i < source.function_count; ++i) {
    const llvm::Function* function = module.getFunction(source.functions[i].name);
    if (!function || function->isDeclaration())
      reporter.error(nullptr, {}, std::string("the C file has no code for `") + source.functions[i].name + "`",
                     "leave out `inline`, and attributes that give a function another name", static_cast<int>(i));
  }
  return !reporter.failed();
}

void runPasses(llvm::Module& module, llvm::TargetMachine& target) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false; // the verifier walks every turn in any case, and short code is what it has to walk
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&target, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

// They would keep the program's optimizer from inlining.
void dropTargetAttributes(llvm::Module& module) {
  for (llvm::Function& function : module)
    for (const char* name : {"target-cpu", "target-features", "no-trapping-math", "stack-protector-buffer-size",
                             "min-legal-vector-width", "no-builtins", "frame-pointer"})
      function.removeFnAttr(name);
}

// Paths of the machine do not go into programs: a file's name is enough for the verifier's log.
void dropFolders(llvm::Module& module) {
  llvm::DenseSet<llvm::DIFile*> files;
  for (llvm::Function& function : module)
    for (llvm::BasicBlock& block : function)
      for (llvm::Instruction& instruction : block)
        for (const llvm::DILocation* at = instruction.getDebugLoc(); at; at = at->getInlinedAt())
          files.insert(at->getScope()->getFile());
  for (llvm::DICompileUnit* unit : module.debug_compile_units())
    files.insert(unit->getFile());
  for (llvm::Function& function : module)
    if (llvm::DISubprogram* subprogram = function.getSubprogram())
      files.insert(subprogram->getFile());
  for (llvm::DIFile* file : files) {
    const llvm::StringRef name = file->getFilename();
    file->replaceOperandWith(0, llvm::MDString::get(module.getContext(), name.substr(name.rfind('/') + 1)));
    file->replaceOperandWith(1, llvm::MDString::get(module.getContext(), ""));
  }
}

} // namespace

std::optional<Optimized> optimize(const XdpcSource& source, llvm::Module& module, const clang::SourceManager& manager,
                                  Reporter& reporter) {
  if (!hasAll(source, module, reporter))
    return std::nullopt;
  const auto target = makeTarget();
  prepare(source, module);
  runPasses(module, *target);
  const Places places(manager, reporter);
  reportRefused(module, places);
  if (reporter.failed())
    return std::nullopt;
  boundPayloadReads(source, module, places);
  Optimized result;
  result.constants = gatherConstants(module, places);
  if (!reporter.failed())
    tryBackEnd(module, *target, places);
  if (reporter.failed())
    return std::nullopt;
  dropTargetAttributes(module);
  dropFolders(module);
  return result;
}

} // namespace xdpc::clang_plugin
