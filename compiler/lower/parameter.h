// Numbers that code is told when the object is put together. To the back end they are addresses of symbols that nobody
// defines: it loads them in one instruction, with a relocation whose place codegen/join.cpp writes them to.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>
#include <optional>

namespace xdpc::lower {

// Whether a function is one that the program calls, and that is never inlined (key_function.cpp and its like).
bool isCalled(const llvm::Function& function);

// `name` is the parameter's in this function.
llvm::GlobalVariable* parameterSymbol(llvm::Function& function, llvm::StringRef name, uint64_t value);
// Of the name of such a symbol; nothing of another.
std::optional<uint64_t> parameterValue(llvm::StringRef symbol);

} // namespace xdpc::lower
