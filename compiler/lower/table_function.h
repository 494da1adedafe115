// Functions over a table of keyed state that take its key as words: adding to a set, charging a meter, counting. The
// kernel verifies each once, and all leaves of the parser share its code.
#pragma once

#include "compiler/lower/keyed_table.h"

namespace xdpc::lower {

// Ends the block with a branch to one of the two. `extra` is what the caller gives besides the key.
using TableFunctionBody =
    std::function<void(Builder&, const KeyWords& key, llvm::Value* extra, llvm::BasicBlock* yes, llvm::BasicBlock* no)>;

llvm::Function* makeTableFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                  const Globals& globals, const std::string& name, Span place, const abi::KeyType& type,
                                  const TableFunctionBody& body);
void callTableFunction(Builder& builder, llvm::Function* function, const KeyWords& key, llvm::Value* extra,
                       llvm::BasicBlock* yes, llvm::BasicBlock* no);

} // namespace xdpc::lower
