// Optimizes a module and emits BPF.
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/optimize.h"
#include "compiler/codegen/strip.h"
#include "compiler/lower/module.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

extern "C" {
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
}

#include <string_view>

namespace xdpc::codegen {
namespace {

// An error in here is a bug of ours: the user's mistakes were found before.
[[noreturn]] void bug(const std::string& what) {
  llvm::errs() << "xdpc: internal error: " << what << "\nplease report it with the policy that shows it\n";
  abort();
}

std::unique_ptr<llvm::TargetMachine> makeTarget(const std::string& cpu) {
  static const bool initialized = [] {
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFTarget();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFAsmPrinter();
    // Kernels before 6.4 refuse a loop whose way back falls through, as block placement and merged tails lay it out.
    const char* arguments[] = {"xdpc", "-disable-block-placement", "-enable-tail-merge=false"};
    llvm::cl::ParseCommandLineOptions(std::size(arguments), arguments);
    return true;
  }();
  (void)initialized;
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("bpfel", error);
  if (!target)
    bug(error);
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      "bpfel", cpu, "", llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

[[maybe_unused]] void verify(const llvm::Module& module) {
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  if (llvm::verifyModule(module, &stream))
    bug("the lowered module is not valid: " + stream.str());
}

// The back end's only word on a jump that does not reach its target is to end the process.
struct TooLarge {};

void refuse(void*, const char* reason, bool) {
  if (std::string_view(reason).find("out of insn range") != std::string_view::npos)
    throw TooLarge();
  bug(reason);
}

// What it says of a stack that is too large, on the other hand, is an error that it goes on behind.
void note(const llvm::DiagnosticInfo* info, void* outgrown) {
  if (info->getSeverity() != llvm::DS_Error)
    return;
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::DiagnosticPrinterRawOStream printer(stream);
  info->print(printer);
  if (text.find("stack limit is exceeded") == std::string::npos)
    bug(text);
  *static_cast<bool*>(outgrown) = true;
}

llvm::SmallString<0> emit(lower::Module& module, const Options& options, llvm::CodeGenFileType type) {
  llvm::Module& code = *module.impl().module;
  auto target = makeTarget(options.cpu);
  code.setDataLayout(target->createDataLayout());
#ifndef NDEBUG
  verify(code); // a bug of ours; the tests look for it
#endif
  optimize(code, *target);
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  auto* passes = new llvm::legacy::PassManager;
  if (target->addPassesToEmitFile(*passes, stream, nullptr, type, /*DisableVerify=*/true))
    bug("the BPF back end cannot emit this file type");
  bool outgrown = false;
  code.getContext().setDiagnosticHandlerCallBack(note, &outgrown);
  const llvm::ScopedFatalErrorHandler handler(refuse);
  try {
    passes->run(code);
  } catch (const TooLarge&) { // left as it is: LLVM does not clean up on its way out
    target.release();
    return {};
  }
  delete passes;
  if (outgrown)
    return {};
  return bytes;
}

} // namespace

std::vector<uint8_t> emitObject(lower::Module module, const Options& options) {
  auto bytes = emit(module, options, llvm::CodeGenFileType::ObjectFile);
  return bytes.empty() ? std::vector<uint8_t>() : stripDebug(bytes);
}

std::string emitAssembly(lower::Module module, const Options& options) {
  return emit(module, options, llvm::CodeGenFileType::AssemblyFile).str().str();
}

} // namespace xdpc::codegen
