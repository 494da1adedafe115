// What is asked before a prefix trie: most IPv4 elements without an end, in a bitmap and a hash of hosts
// (runtime/abi/prefix_trie.h). All changes are stores that programs see one by one: each address has its answer from
// before or from after. Tested by tests/unit/state/prefix_front_test.cpp and prefix_trie_test.cpp.
#pragma once

#include "runtime/sets/prefix_tree.h"

namespace xdpc::sets {

class PrefixFront {
public:
  // An area, in use or not.
  PrefixFront(PrefixMemory& memory, uint32_t area) : memory_(&memory), area_(area) {}

  // Of an area that nobody reads: empty from now on.
  void clear();
  // Where an element that is not in the trie goes; `trie` if it belongs there, or there is no other place for it.
  abi::ElementPlace put(const PrefixKey& key, uint64_t own_ns);
  // Takes it out again; the tree has it no more, or at another place.
  void erase(const PrefixKey& key, abi::ElementPlace place, const PrefixTree& tree);
  // True if all nodes are given to blocks, half of which need none any more.
  bool isWorn() const;
  // Asked as programs ask.
  bool has(const PrefixKey& address) const;

private:
  class Blocks;

  uint16_t* root() const { return reinterpret_cast<uint16_t*>(memory_->frontArea(area_).data()); }
  uint16_t* owned() const;               // of a block; below abi::kFirstNode where it has no node of its own
  uint64_t* node(uint32_t number) const; // its words
  uint32_t* bucket(uint32_t address, unsigned which) const;
  bool takeNode(uint32_t block);
  bool putHost(uint32_t address);
  uint32_t* moveAway(uint32_t* full); // a slot that is free from now on; null if there is none
  abi::FrontCounts& counts() const { return memory_->counts(area_); }

  PrefixMemory* memory_;
  uint32_t area_;
};

} // namespace xdpc::sets
