// The optimizer, the back end, and their ways to say that a program is too large.
#include "compiler/codegen/emit.h"
#include "compiler/codegen/optimize.h"
#include "compiler/lower/module.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <string_view>

namespace xdpc::codegen {
namespace {

// An error in here is a bug of ours: the user's mistakes were found before.
[[noreturn]] void bug(const std::string& what) {
  llvm::errs() << "xdpc: internal error: " << what << "\nplease report it with the policy that shows it\n";
  abort();
}

std::unique_ptr<llvm::TargetMachine> makeTarget(const std::string& cpu, Emitted what) {
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("bpfel", error);
  if (!target)
    bug(error);
  llvm::TargetOptions options;
  options.FunctionSections = what == Emitted::share; // as join takes them
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      "bpfel", cpu, "", options, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

[[maybe_unused]] void verify(const llvm::Module& module) {
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  if (llvm::verifyModule(module, &stream))
    bug("the lowered module is not valid: " + stream.str());
}

// The back end's only word on a jump that does not reach its target is to end the process.
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

// Nothing where the program is too large.
std::optional<llvm::SmallString<0>> emit(llvm::Module& code, llvm::TargetMachine& target, llvm::CodeGenFileType type) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  auto* passes = new llvm::legacy::PassManager;
  if (target.addPassesToEmitFile(*passes, stream, nullptr, type, /*DisableVerify=*/true))
    bug("the BPF back end cannot emit this file type");
  bool outgrown = false;
  code.getContext().setDiagnosticHandlerCallBack(note, &outgrown);
  try {
    passes->run(code);
  } catch (const TooLarge&) { // left as it is: LLVM does not clean up on its way out
    return {};
  }
  delete passes;
  return outgrown ? std::nullopt : std::optional(std::move(bytes));
}

} // namespace

Refusals::Refusals() : handler_(refuse) {}

std::optional<llvm::SmallString<0>> emit(const lower::Module& module, const Options& options, Emitted what) {
  llvm::Module& code = *module.impl().module;
  auto target = makeTarget(options.cpu, what);
  code.setDataLayout(target->createDataLayout());
#ifndef NDEBUG
  verify(code); // a bug of ours; the tests look for it
#endif
  optimize(code, *target, what == Emitted::share ? Uncalled::kept : Uncalled::dropped);
  auto bytes = emit(code, *target,
                    what == Emitted::share ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile);
  if (!bytes)
    static_cast<void>(target.release()); // as above
  return bytes;
}

} // namespace xdpc::codegen
