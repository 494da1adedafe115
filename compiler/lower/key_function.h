// Functions of their own that take one key and answer yes or no: lookups in sets, meters. The kernel verifies a global
// function once, however many leaves of the parser call it, and all leaves share its code.
#pragma once

#include "compiler/lower/value.h"

#include <functional>
#include <vector>

namespace xdpc::lower {

using ValueKinds = std::vector<Value::Kind>; // what the key can be

// Ends the block with a branch to one of the two.
using KeyFunctionBody = std::function<void(Builder&, const Value& key, llvm::BasicBlock* yes, llvm::BasicBlock* no)>;

// u32 NAME(u32 kind, u64 high, u64 low, u64 length): `length` is the frame's. The body is made once for each kind.
llvm::Function* makeKeyFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                const Globals& globals, const std::string& name, Span place, const ValueKinds& kinds,
                                const KeyFunctionBody& body);

// An address of either family, i64 each, so that the same code looks up both: `first` and `second` as the words of a
// table's key, `front` as the first of a trie's, whose second is `second`, too.
struct EitherAddress {
  llvm::Value* v6 = nullptr;   // 0 or 1
  llvm::Value* form = nullptr; // of a whole address
  llvm::Value *first = nullptr, *second = nullptr, *front = nullptr;
};
using AddressFunctionBody =
    std::function<void(Builder&, const EitherAddress& key, llvm::BasicBlock* yes, llvm::BasicBlock* no)>;
// u32 NAME(u32 v6, u64 first, u64 second, u64 length), without a branch on the family: the verifier walks it once.
llvm::Function* makeAddressFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                    const Globals& globals, const std::string& name, Span place,
                                    const AddressFunctionBody& body);

void callAddressFunction(Builder& builder, llvm::Function* function, const Value& key, llvm::BasicBlock* yes,
                         llvm::BasicBlock* no);

// A function that gives a number (i32) for the key; 0 for a key of another kind. It reads nothing that changes, so
// that two calls with the same key are one.
using NumberFunctionBody = std::function<llvm::Value*(Builder&, const Value& key)>;
llvm::Function* makeNumberFunction(const plan::Program& program, llvm::Module& module, DebugInfo& debug,
                                   const Globals& globals, const std::string& name, Span place, const ValueKinds& kinds,
                                   const NumberFunctionBody& body);
llvm::Value* callNumberFunction(Builder& builder, llvm::Function* function, const Value& key);

void callKeyFunction(Builder& builder, llvm::Function* function, const Value& key, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no);

// What a part of a key of this kind can be.
ValueKinds kindsOf(abi::KeyKind kind);

} // namespace xdpc::lower
