// Makes the lines of a prefix trie from the elements that are there: all of them, or those that a change of one element
// touches. What can be reached is not changed: the caller publishes what was made. Tested by
// tests/unit/state/prefix_trie_test.cpp.
#pragma once

#include "runtime/sets/prefix_lines.h"

#include <vector>

namespace xdpc::sets {

// An entry of a root that is to change.
struct RootChange {
  uint32_t* at = nullptr;
  uint32_t entry = abi::kOut;
};

class PrefixBuild {
public:
  PrefixBuild(PrefixMemory& memory, const PrefixTree& tree) : memory_(memory), tree_(tree) {}

  // What follows from a change at the key, in an area of roots.
  std::vector<RootChange> change(uint32_t area, const PrefixKey& key);
  // Fills an area that nobody reads.
  void all(uint32_t area);

private:
  // Keys that begin alike, in one of the two words of an address.
  struct Region {
    PrefixKey key;
    unsigned word = 0;

    uint64_t first() const { return key.address[word]; }
    uint64_t last() const { return key.last(word); }
    unsigned length() const { return key.length - 64 * word; } // in the word
    Region slot(uint64_t start, unsigned shift, unsigned slot) const;
    unsigned slotOf(const PrefixKey& key, unsigned shift) const { return key.address[word] >> shift & 255; }
  };
  class Collecting;

  uint32_t build(const Region& region);
  uint32_t entryOf(const Region& region, TrieSteps steps);
  static bool areAnswersOfSlots(const Region& region, TrieSteps steps);
  uint32_t bitsOf(const Region& region, TrieSteps steps);
  uint32_t nodeOf(const Region& region, TrieSteps steps);
  // Of the slots from `start` on, each of 1 << shift keys.
  void fillSlots(const Region& region, TrieSteps steps, uint64_t start, unsigned shift, std::span<uint32_t> slots);
  uint32_t update(uint32_t entry, const Region& region, const PrefixKey& key);
  uint32_t updateLow(uint32_t entry, const Region& region, const PrefixKey& key);
  uint32_t updateNode(uint32_t entry, const Region& region, const PrefixKey& key);
  uint32_t updateBounds(uint32_t entry, const Region& region, const PrefixKey& key);
  uint32_t besideNode(uint32_t entry, const Region& region, const Region& inner, const PrefixKey& key);
  uint32_t simplest(const Region& region, const Region& inner, const NodeShape& shape, const TrieSlots& slots);

  PrefixMemory& memory_;
  const PrefixTree& tree_;
};

} // namespace xdpc::sets
