// The trie of a set of prefixes: read by programs without a lock while user space, alone, changes it. Array maps, all
// mapped by user space. Part of the ABI (see abi.h). Laid out by prefixTrieLayout; changed by
// runtime/sets/prefix_trie.h; read by compiler/lower/prefix_trie.cpp. Tested by tests/unit/state/prefix_trie_test.cpp.
//
// A set's `trie_map` is `lines` where it is an array, and the others are the maps behind it (trieMaps). Else it is the
// kernel's LPM trie.
//
// `front` has one value: a head, and what is asked before the trie. `lines` has entries of a cache line: two bitmaps of
// what is taken, two areas of roots, the lines of the trie, and last its elements, numbered from 1, with room for as
// many again, so that a new list stands beside the old one until it takes over. The first bits of a key choose an entry
// of the root; an entry is `what << 4 | kind`, with kLowWord where the rest of an IPv6 address decides. What stands in
// a line that can be reached does not change, but for single entries; new lines take over by one store, and old ones
// are used again after a grace period.
//
// In front of the trie stand most IPv4 elements without an end, so that the trie has the others alone (ElementPlace):
// prefixes of up to 24 bits in a bitmap, whose root has the node of each 16 bits, and hosts in a hash of buckets. An
// address is in the set if any of the three says so. There are two areas of all of it, and one word says which is in
// use. Within an area nodes keep their 16 bits for as long as it is used, so that bits change in place.
#pragma once

#include "runtime/abi/manifest.h"

#include <cstddef>
#include <optional>
#include <vector>

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
  uint8_t place; // ElementPlace
  uint8_t reserved;
};
static_assert(sizeof(PrefixElement) == 64); // a line

// Where programs find it.
enum class ElementPlace : uint8_t { trie = 0, bitmap = 1, hosts = 2 };

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

// How many elements an area has, by place. Programs leave out what has none.
struct FrontCounts {
  uint32_t bitmap, hosts;
  uint32_t trie[2]; // by family, IPv4 first
};

// The start of `front`. Programs read the first two fields; the first two words are written as one.
struct PrefixTrieHead {
  uint32_t area;       // that is in use: 1 or 2; 0: the set is empty
  uint32_t generation; // from 1 on; 0: nothing was ever added
  FrontCounts counts[2];
  uint32_t changing; // not 0 while a change is under way, or was cut off
  uint32_t next_line, next_element, last_element;
  uint32_t next_node[2];
  ElementTree trees[2]; // by the generation's last bit
};
static_assert(offsetof(PrefixTrieHead, trees) == kTrieLine); // what programs read is one line
inline constexpr uint32_t kFrontHead = 4096;                 // bytes; the areas follow
static_assert(sizeof(PrefixTrieHead) <= kFrontHead);

// A root of the bitmap: the number of a node for each block, a value of the first 16 bits; 2 bytes. A node: a bit for
// each value of the next 8. The first two nodes say the same to all: out, and in. A block that is partly in the set has
// a node of its own; which one, user space keeps in `lines`, for a block may be all in for a while.
inline constexpr uint32_t kBitmapRoot = 2u << 16, kBitmapNode = 32;
inline constexpr uint32_t kNodeOut = 0, kNodeIn = 1, kFirstNode = 2;

// Buckets of hosts: addresses in host order, 0 in an empty slot. A host is in one of two buckets, each the upper half
// of a product; one that moves, moves to its second, which programs read after the first.
inline constexpr unsigned kHostSlots = 8;
inline constexpr uint32_t kHostBucket = kHostSlots * sizeof(uint32_t);
inline constexpr uint64_t kHostFactors[2] = {0x9e37'79b9'7f4a'7c15, 0xd6e8'feb8'6659'fd93};
constexpr uint32_t hostBucket(uint32_t address, unsigned which, uint32_t buckets) {
  return static_cast<uint32_t>((address * kHostFactors[which] >> 32) * buckets >> 32);
}

struct PrefixTrieLayout {
  bool v4 = false, v6 = false;
  unsigned root_bits = 16;
  uint32_t lines = 0;    // entries of the map
  uint32_t elements = 0; // from line `element` on, of which none has the number 0
  uint32_t line_bitmap = 0, element_bitmap = 0, roots[2] = {}, first_line = 0, element = 0; // lines
  uint32_t nodes = 0, buckets = 0; // of an area; 0: all is in the trie
  uint32_t owned[2] = {};          // lines: the blocks' own nodes, as in a root
  bool hosts_apart = false;        // in a map `hosts` of their own

  uint32_t rootLines() const { return (4u << root_bits) / kTrieLine; }                          // of a family
  uint32_t rootOf(Family family) const { return family == Family::v6 && v4 ? rootLines() : 0; } // within an area

  // Bytes.
  uint32_t hostBytes() const { return buckets * kHostBucket; } // of an area
  uint32_t nodesInArea() const { return kBitmapRoot; }
  uint32_t hostsInArea() const { return hosts_apart ? 0 : kBitmapRoot + nodes * kBitmapNode; }
  uint32_t areaBytes() const { return nodes ? kBitmapRoot + nodes * kBitmapNode + (hosts_apart ? 0 : hostBytes()) : 0; }
  uint32_t frontBytes() const { return kFrontHead + 2 * areaBytes(); }
};
// `kind` is one of the three of prefixes.
PrefixTrieLayout prefixTrieLayout(KeyKind kind, uint32_t capacity);

// The maps of a set's trie, by index; nothing if it has none of ours.
struct TrieMaps {
  uint32_t lines = 0, front = 0;
  std::optional<uint32_t> hosts;

  std::vector<uint32_t> all() const;
};
std::optional<TrieMaps> trieMaps(const Manifest& manifest, const Set& set);

// The most lines that a walk reads before it ends in a leaf or an element.
constexpr unsigned trieDepth(Family family, unsigned root_bits) {
  return ((family == Family::v4 ? 32 : 128) - root_bits) / 8 + (family == Family::v4 ? 1 : 2);
}

} // namespace xdpc::abi
