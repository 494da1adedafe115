// Debug info of the module: what becomes BTF and line info, so that the verifier's log and bpftool show `.xf` lines.
#pragma once

#include "compiler/basic/source.h"
#include "runtime/abi/manifest.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <vector>

namespace xdpc::lower {

class DebugInfo {
public:
  // The whole text of each file goes along: the back end copies its lines into BTF. The first is the policy's, the
  // others those that it has rules from.
  DebugInfo(llvm::Module& module, const std::vector<const SourceFile*>& sources);

  // Every function needs a prototype, and a retained variable for each argument: else the kernel refuses all BTF.
  void enterProgram(llvm::Function& function);
  // `argument_bits`: widths of the integer arguments.
  void enterFunction(llvm::Function& function, llvm::ArrayRef<unsigned> argument_bits);
  // The context, then integers of 64 bits; the result has as many.
  void enterContextFunction(llvm::Function& function, unsigned integers);
  // A pointer to so many words of 64 bits, then integers as wide; so is the result.
  void enterKeyFunction(llvm::Function& function, unsigned words, unsigned integers);
  // A pointer to so many bytes, then integers of 64 bits.
  void enterPointerFunction(llvm::Function& function, unsigned bytes, unsigned integers);
  void leaveFunction(llvm::Function& outer) { subprogram_ = outer.getSubprogram(); }

  // Instructions made from now on come from here. A place in no such file (the standard library) leaves the last one.
  void setPlace(llvm::IRBuilder<>& builder, Span span);

  // A global in `.maps` with the struct of pointers by which libbpf's BTF-defined maps say what they are.
  llvm::GlobalVariable* addMap(const abi::Map& map);

  void finish() { builder_.finalize(); }

private:
  llvm::DIType* contextType();
  void enter(llvm::Function& function, llvm::DISubroutineType* type, llvm::ArrayRef<llvm::DIType*> arguments);

  llvm::Module& module_;
  llvm::DIBuilder builder_;
  std::map<const SourceFile*, llvm::DIFile*> files_;
  llvm::DIFile* file_; // the policy's
  llvm::DICompileUnit* unit_;
  llvm::DISubprogram* subprogram_ = nullptr;
  llvm::DIBasicType* int_;
};

} // namespace xdpc::lower
