// What the plugin exports. One call compiles one C file; nothing is kept between calls.
#include "compiler/extern_c/clang/frontend.h"
#include "compiler/extern_c/clang/optimize.h"

#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/Support/raw_ostream.h>

namespace {

using namespace xdpc::clang_plugin;

void compile(const XdpcSource& source, const XdpcSink& sink) {
  llvm::LLVMContext context;
  clang::CompilerInstance compiler;
  Reporter reporter(sink);
  std::unique_ptr<llvm::Module> module = runClang(source, compiler, reporter, context);
  if (compiler.hasSourceManager())
    reporter.tellFiles(compiler.getSourceManager());
  if (!module)
    return;
  const auto finished = optimize(source, *module, compiler.getSourceManager(), reporter);
  if (!finished)
    return;
  llvm::SmallString<0> bitcode;
  llvm::raw_svector_ostream stream(bitcode);
  llvm::WriteBitcodeToFile(*module, stream);
  const XdpcModule result = {bitcode.data(), bitcode.size(), finished->constants};
  sink.module(sink.user, &result);
}

} // namespace

extern "C" {

__attribute__((visibility("default"))) int xdpcClangAbi(void) {
  return kXdpcClangAbi;
}

__attribute__((visibility("default"))) void xdpcClangCompile(const XdpcSource* source, const XdpcSink* sink) {
  compile(*source, *sink);
}
}
