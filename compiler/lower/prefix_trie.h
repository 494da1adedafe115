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

// Does a live element cover the whole address? Ends the block.
void lowerPrefixTrie(Builder& builder, const PrefixTrieRef& trie, const Value& address, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no);

} // namespace xdpc::lower
