// The lines of a prefix trie, one kind after the other: writing, reading back, marking, and asking as programs ask.
// Tested by tests/unit/state/prefix_trie_test.cpp.
#pragma once

#include "runtime/sets/prefix_tree.h"

#include <array>
#include <span>

namespace xdpc::sets {

// From `from` on keys lead to the entry, up to the next step.
struct TrieStep {
  uint64_t from = 0;
  uint32_t entry = abi::kOut;
  uint32_t element = 0; // whose range this is, if it is all of one element's
};
using TrieSteps = std::span<const TrieStep>;

inline constexpr unsigned kTrieSlots = 256;
using TrieSlots = std::array<uint32_t, kTrieSlots>; // an entry each

constexpr abi::EntryKind kindOf(uint32_t entry) {
  return static_cast<abi::EntryKind>(entry & abi::kEntryKindMask);
}
constexpr uint32_t whatOf(uint32_t entry) {
  return entry >> abi::kEntryShift;
}
constexpr bool hasLine(uint32_t entry) {
  return kindOf(entry) >= abi::EntryKind::node;
}

// Each gives the entry that leads to what was made.
uint32_t makeBounds(PrefixMemory& memory, TrieSteps steps, uint64_t last);
uint32_t makeShortBounds(PrefixMemory& memory, TrieSteps steps, unsigned shift);
struct NodeShape {
  uint64_t expected = 0;
  unsigned shift = 0;
  uint32_t otherwise = abi::kOut;
};
uint32_t makeNode(PrefixMemory& memory, const NodeShape& shape, const TrieSlots& slots);

TrieSlots readNode(const PrefixMemory& memory, const abi::TrieNode& node);
void markLines(const PrefixMemory& memory, const PrefixMemory::Marks& marks, uint32_t entry);

// Is there a live element in the lines of an area that covers the address?
bool asksTrie(const PrefixMemory& memory, uint32_t area, const PrefixKey& address, uint64_t now_ns);

} // namespace xdpc::sets
