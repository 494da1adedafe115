// Clang in process, on files in memory.
#include "compiler/extern_c/clang/frontend.h"
#include "compiler/extern_c/clang/headers.h"
#include "compiler/extern_c/clang/signature.h"

#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/MultiplexConsumer.h>
#include <clang/Lex/PreprocessorOptions.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/VirtualFileSystem.h>

namespace xdpc::clang_plugin {
namespace {

class SignatureConsumer : public clang::ASTConsumer {
public:
  SignatureConsumer(const XdpcSource& source, Reporter& reporter) : source_(source), reporter_(reporter) {}

  void HandleTranslationUnit(clang::ASTContext& context) override {
    if (!reporter_.failed())
      checkFunctions(source_, context, reporter_);
  }

private:
  const XdpcSource& source_;
  Reporter& reporter_;
};

// Code is generated behind the check of the signatures.
class Action : public clang::EmitLLVMOnlyAction {
public:
  Action(const XdpcSource& source, Reporter& reporter, llvm::LLVMContext& context)
      : EmitLLVMOnlyAction(&context), source_(source), reporter_(reporter) {}

private:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& compiler,
                                                        llvm::StringRef file) override {
    std::vector<std::unique_ptr<clang::ASTConsumer>> consumers;
    consumers.push_back(std::make_unique<SignatureConsumer>(source_, reporter_));
    consumers.push_back(EmitLLVMOnlyAction::CreateASTConsumer(compiler, file));
    return std::make_unique<clang::MultiplexConsumer>(std::move(consumers));
  }

  const XdpcSource& source_;
  Reporter& reporter_;
};

llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> fileSystem() {
  llvm::IntrusiveRefCntPtr memory(new llvm::vfs::InMemoryFileSystem);
  for (const Header& header : headers())
    memory->addFile(std::string(Reporter::kOwnHeaders) + "/" + std::string(header.name), 0,
                    llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(header.text.data(), header.text.size())));
  llvm::IntrusiveRefCntPtr overlay(new llvm::vfs::OverlayFileSystem(llvm::vfs::getRealFileSystem()));
  overlay->pushOverlay(memory);
  return overlay;
}

} // namespace

std::unique_ptr<llvm::Module> runClang(const XdpcSource& source, clang::CompilerInstance& compiler, Reporter& reporter,
                                       llvm::LLVMContext& context) {
  compiler.createDiagnostics(&reporter, false);
  const char* arguments[] = {"-triple",
                             "bpfel",
                             "-target-cpu",
                             "v3",
                             "-O2",
                             "-disable-llvm-passes",
                             "-std=gnu17",
                             "-ffreestanding",
                             "-fgnuc-version=4.2.1",
                             "-Wall",
                             "-nostdsysteminc",
                             "-nobuiltininc",
                             "-internal-isystem",
                             Reporter::kOwnHeaders,
                             "-debug-info-kind=line-tables-only",
                             "-dwarf-version=5",
                             "-gembed-source",
                             "-fdebug-compilation-dir=",
                             "-fno-caret-diagnostics",
                             "-x",
                             "c",
                             source.path};
  if (!clang::CompilerInvocation::CreateFromArgs(compiler.getInvocation(), arguments, compiler.getDiagnostics()))
    return nullptr;
  clang::ProcessWarningOptions(compiler.getDiagnostics(), compiler.getDiagnosticOpts());
  compiler.createFileManager(fileSystem());
  compiler.getPreprocessorOpts().addRemappedFile(
      source.path, llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(source.text, source.size), source.path).release());
  Action action(source, reporter, context);
  if (!compiler.ExecuteAction(action) || reporter.failed())
    return nullptr;
  return action.takeModule();
}

} // namespace xdpc::clang_plugin
