// Debug info of the module: what becomes BTF and line info, so that the verifier's log and bpftool show `.xf` lines.
#pragma once

#include "compiler/basic/source.h"
#include "runtime/abi/manifest.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

namespace xdpc::lower {

class DebugInfo {
public:
  // The policy's whole text goes along: the back end copies its lines into BTF.
  DebugInfo(llvm::Module& module, const SourceFile& source);

  // Every function needs a prototype, and a retained variable for each argument: else the kernel refuses all BTF.
  void enterProgram(llvm::Function& function);
  // `argument_bits`: widths of the integer arguments.
  void enterFunction(llvm::Function& function, llvm::ArrayRef<unsigned> argument_bits);
  // The context, then integers of 64 bits; the result has as many.
  void enterContextFunction(llvm::Function& function, unsigned integers);
  void leaveFunction(llvm::Function& outer) { subprogram_ = outer.getSubprogram(); }

  // Instructions made from now on come from here. A place in another file (the standard library) leaves the last one.
  void setPlace(llvm::IRBuilder<>& builder, Span span);

  // A global in `.maps` with the struct of pointers by which libbpf's BTF-defined maps say what they are.
  llvm::GlobalVariable* addMap(const abi::Map& map);

  void finish() { builder_.finalize(); }

private:
  llvm::DIType* contextType();
  void enter(llvm::Function& function, llvm::DISubroutineType* type, llvm::ArrayRef<llvm::DIType*> arguments);

  llvm::Module& module_;
  const SourceFile& source_;
  llvm::DIBuilder builder_;
  llvm::DIFile* file_;
  llvm::DICompileUnit* unit_;
  llvm::DISubprogram* subprogram_ = nullptr;
  llvm::DIBasicType* int_;
};

} // namespace xdpc::lower
