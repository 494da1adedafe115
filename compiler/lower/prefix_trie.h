// The question to the trie of a dynamic set of prefixes, and before it to what stands in front
// (runtime/abi/prefix_trie.h). Tested by tests/packet/sets, tests/differential and tests/runtime.
#pragma once

#include "compiler/lower/value.h"
#include "runtime/abi/prefix_trie.h"

namespace xdpc::lower {

struct PrefixTrieRef {
  abi::TrieMaps maps;
  abi::PrefixTrieLayout layout;
};

// A whole address, i64 each.
struct TrieAddress {
  llvm::Value* front = nullptr;  // its first eight bytes; IPv4 in the upper half
  llvm::Value* behind = nullptr; // its last eight; null: it is IPv4
  llvm::Value* v6 = nullptr;     // 0 or 1 where it is of either family, else null
};
TrieAddress trieAddress(Builder& builder, const Value& address);

// Does a live element cover the address? Ends the block.
void lowerPrefixTrie(Builder& builder, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no);

} // namespace xdpc::lower
