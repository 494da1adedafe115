// The trie of a set of prefixes: read by programs without a lock while user space, alone, changes it. Two array maps,
// both mapped by user space. Part of the ABI (see abi.h). Laid out by prefixTrieLayout; changed by
// runtime/sets/prefix_trie.h; read by compiler/lower/prefix_trie.cpp. Tested by tests/unit/state/prefix_trie_test.cpp.
//
// A set's `trie_map` is `lines` where it is an array; `elements` is the map behind it. Else it is the kernel's LPM
// trie.
//
// `elements` has a PrefixElement for each, from 1 on, and room for as many again, so that a new list stands beside the
// old one until it takes over. `lines` has cache lines: a head, two bitmaps of what is taken, two areas of roots, and
// the lines of the trie. The first bits of a key choose an entry of the root; an entry is `what << 4 | kind`, with
// kLowWord where the rest of an IPv6 address decides. What stands in a line that can be reached does not change, but
// for single entries; new lines take over by one store, and old ones are used again after a grace period.
#pragma once

#include "runtime/abi/manifest.h"

namespace xdpc::abi {

// The words of an address: its first and last eight bytes, in host order; IPv4 is the upper half of the first.
struct PrefixElement {
  uint64_t address[2], mask[2];
  uint64_t expires_ns;  // the latest of its own and of all elements that cover it: this is what the program compares
  uint64_t own_ns;      // its own
  uint32_t left, right; // of the ordered tree of elements, which only user space reads
  uint32_t generation;  // live in the generation of this number
  uint8_t family;       // 4 or 6
  uint8_t length;
  uint16_t reserved;
};
static_assert(sizeof(PrefixElement) == 64);

enum class EntryKind : uint32_t {
  leaf = 0,    // what: 1 if in the set, without an end
  element = 1, // what: an element; in the set if that covers the key and is live
  node = 2,    // what: a line
  bits = 3,
  bounds = 4,
  short_bounds = 5,
};
inline constexpr uint32_t kEntryKindMask = 7, kLowWord = 8, kEntryShift = 4;
constexpr uint32_t trieEntry(EntryKind kind, uint32_t what) {
  return what << kEntryShift | static_cast<uint32_t>(kind);
}
inline constexpr uint32_t kOut = 0, kIn = 1u << kEntryShift;

inline constexpr uint32_t kTrieLine = 64;

// Eight bits of the key from `shift` on choose one of 256. A node marks where a run of equal entries begins; `before`
// counts those of the words before. Keys that differ in front of these bits go on with `otherwise`.
struct TrieNode {
  uint64_t marks[4]; // of kind bits: the answers
  uint64_t expected; // the key's bits in front
  uint8_t before[4]; // 192 at most
  uint32_t entries;  // line of the first entry
  uint32_t otherwise;
  uint32_t shift;
};
static_assert(sizeof(TrieNode) == 56);

// Up to six runs: where those behind the first begin, ascending and filled up with the last key of all.
struct TrieBounds {
  static constexpr unsigned kRuns = 6;
  uint64_t from[kRuns - 1];
  uint32_t entries[kRuns];
};
static_assert(sizeof(TrieBounds) == kTrieLine);

// Up to ten, which differ in 16 bits of the key alone, from `shift` on.
struct TrieShortBounds {
  static constexpr unsigned kRuns = 10;
  uint16_t from[kRuns - 1];
  uint16_t shift;
  uint32_t reserved;
  uint32_t entries[kRuns];
};
static_assert(sizeof(TrieShortBounds) == kTrieLine);

// The tree of a generation's elements.
struct ElementTree {
  uint32_t root, count;
  uint32_t lengths[2][129]; // elements of a family (IPv4 first) and length
};

// The first lines. Programs read `roots` alone; both words are written as one.
struct PrefixTrieHead {
  uint32_t roots;      // first line of the roots in use; 0: the set is empty
  uint32_t generation; // from 1 on; 0: nothing was ever added
  uint32_t changing;   // not 0 while a change is under way, or was cut off
  uint32_t next_line, next_element, last_element;
  ElementTree trees[2]; // by the generation's last bit
};

struct PrefixTrieLayout {
  bool v4 = false, v6 = false;
  unsigned root_bits = 16;
  uint32_t lines = 0, elements = 0;                                            // entries of the two maps
  uint32_t line_bitmap = 0, element_bitmap = 0, roots[2] = {}, first_line = 0; // lines

  uint32_t rootLines() const { return (4u << root_bits) / kTrieLine; }                          // of a family
  uint32_t rootOf(Family family) const { return family == Family::v6 && v4 ? rootLines() : 0; } // within an area
};
// `kind` is one of the three of prefixes.
PrefixTrieLayout prefixTrieLayout(KeyKind kind, uint32_t capacity);

// The map `elements` of a set; nothing if it has no trie of ours.
std::optional<uint32_t> elementsMap(const Manifest& manifest, const Set& set);

// The most lines that a walk reads before it ends in a leaf or an element.
constexpr unsigned trieDepth(Family family, unsigned root_bits) {
  return ((family == Family::v4 ? 32 : 128) - root_bits) / 8 + (family == Family::v4 ? 1 : 2);
}

} // namespace xdpc::abi
