// Keys in slots, found by hashing: what hash, LRU and trie maps are made of. The table grows with what it holds; a
// slot, once given, keeps its number until it is removed. Tested through the maps by tests/unit/vm/map_test.cpp.
#pragma once

#include "runtime/vm/memory.h"

namespace xdpc::vm {

class SlotTable {
public:
  SlotTable(uint32_t key_size, uint32_t capacity) : key_size_(key_size), capacity_(capacity), index_(kSmallest) {}

  std::optional<uint32_t> find(const uint8_t* key) const;
  // A slot for a key that is not there; nothing if the table is full.
  std::optional<uint32_t> insert(const uint8_t* key);
  void remove(uint32_t slot); // one in use

  uint32_t size() const { return used_; }
  const uint8_t* key(uint32_t slot) const { return keys_.data() + uint64_t{slot} * key_size_; }
  // The first slot in use from `slot` on.
  std::optional<uint32_t> nextUsed(uint32_t slot) const;

private:
  static constexpr size_t kSmallest = 16; // power of two, as the size of the index always is

  uint64_t home(const uint8_t* key) const;
  size_t probe(const uint8_t* key) const; // where the key is or would be
  void grow();

  uint32_t key_size_, capacity_;
  std::vector<uint32_t> index_; // slot + 1, or 0; linear probing
  std::vector<uint8_t> keys_;   // by slot
  std::vector<bool> live_;      // by slot
  std::vector<uint32_t> free_;
  uint32_t used_ = 0;
};

} // namespace xdpc::vm
