// The walk in the trie of a dynamic set of prefixes (runtime/abi/prefix_trie.h). Tested by tests/packet/sets and
// tests/unit/runtime.
#pragma once

#include "compiler/lower/value.h"
#include "runtime/abi/prefix_trie.h"

namespace xdpc::lower {

struct PrefixTrieRef {
  uint32_t lines = 0, elements = 0; // maps
  abi::PrefixTrieLayout layout;
};

// A whole address for the walk, i64 each.
struct TrieAddress {
  llvm::Value* front = nullptr;  // its first eight bytes; IPv4 in the upper half
  llvm::Value* behind = nullptr; // its last eight; null: it is IPv4
  llvm::Value* root = nullptr;   // line of its family's root, behind where roots begin
  unsigned depth = 0;            // lines under the root, at most
};
TrieAddress trieAddress(Builder& builder, const PrefixTrieRef& trie, const Value& address);
// Of either family: `v6` is 0 or 1.
TrieAddress trieAddress(Builder& builder, const PrefixTrieRef& trie, llvm::Value* v6, llvm::Value* front,
                        llvm::Value* behind);

// Does a live element cover the address? Ends the block.
void lowerPrefixTrie(Builder& builder, const PrefixTrieRef& trie, const TrieAddress& address, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no);

} // namespace xdpc::lower
