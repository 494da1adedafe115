// The elements of a prefix trie in order: family, address, length, so that what an element covers stands right behind
// it. A treap in shared memory, whose priorities are hashes of the elements' numbers. Tested by
// tests/unit/state/prefix_trie_test.cpp.
#pragma once

#include "runtime/sets/prefix_memory.h"

namespace xdpc::sets {

// A prefix in words, as in abi::PrefixElement.
struct PrefixKey {
  abi::Family family = abi::Family::v4;
  uint8_t length = 0;
  uint64_t address[2] = {};

  uint64_t mask(unsigned word) const;
  uint64_t last(unsigned word) const { return address[word] | ~mask(word); }
  bool covers(const PrefixKey& other) const;
  PrefixKey cut(uint8_t to) const;
};
constexpr abi::ElementPlace placeOf(const abi::PrefixElement& element) {
  return static_cast<abi::ElementPlace>(element.place);
}
PrefixKey prefixKey(const abi::KeyValue& key);
PrefixKey prefixKey(const abi::PrefixElement& element);
abi::KeyValue keyValue(const PrefixKey& key);
bool operator<(const PrefixKey& a, const PrefixKey& b);

class PrefixTree {
public:
  // Of a generation, which need not be the one in use.
  PrefixTree(PrefixMemory& memory, uint32_t generation)
      : memory_(&memory), tree_(&memory.head().trees[generation & 1]) {}

  size_t count() const { return tree_->count; }
  uint32_t find(const PrefixKey& key) const; // 0 if it is not there
  // The longest one at that place that covers the key and is shorter; 0 if there is none.
  uint32_t covering(const PrefixKey& key, abi::ElementPlace place = abi::ElementPlace::trie) const;
  void insert(uint32_t element);
  void erase(uint32_t element);
  // Instead of all that it has: in order, none twice.
  void assign(const std::vector<uint32_t>& elements);
  // In order, all that the key covers, itself included; until the visitor says false.
  template <class Visit> bool forCovered(const PrefixKey& key, Visit visit) const {
    return visitFrom(tree_->root, key, visit);
  }

private:
  abi::PrefixElement& at(uint32_t number) const { return memory_->element(number); }
  uint32_t merge(uint32_t left, uint32_t right);
  // Those before the key, and the others.
  std::pair<uint32_t, uint32_t> split(uint32_t node, const PrefixKey& key);
  uint32_t without(uint32_t node, const PrefixKey& key);
  uint32_t& lengthCount(const PrefixKey& key) const {
    return tree_->lengths[key.family == abi::Family::v6][key.length];
  }

  template <class Visit> bool visitFrom(uint32_t node, const PrefixKey& key, Visit& visit) const {
    if (!node)
      return true;
    const PrefixKey here = prefixKey(at(node));
    if (here < key)
      return visitFrom(at(node).right, key, visit);
    if (!visitFrom(at(node).left, key, visit))
      return false;
    return !key.covers(here) || (visit(node) && visitFrom(at(node).right, key, visit));
  }

  PrefixMemory* memory_;
  abi::ElementTree* tree_;
};

} // namespace xdpc::sets
