// Sizes of tries. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/abi/prefix_trie.h"

#include <algorithm>

namespace xdpc::abi {
namespace {

constexpr uint32_t kLargeSet = 4096;   // from here on a root of 16 bits pays
constexpr uint32_t kSpareLines = 2048; // for changes between two grace periods
constexpr uint32_t kSpareBuckets = 8;
constexpr uint32_t kLineBits = kTrieLine * 8;

uint32_t linesFor(uint64_t bytes) {
  return static_cast<uint32_t>((bytes + kTrieLine - 1) / kTrieLine);
}

constexpr uint32_t kArray = 2; // BPF_MAP_TYPE_ARRAY

constexpr uint32_t kLeastFront = 256;    // elements: fewer are a few lines, and the roots of a bitmap 256 KB
constexpr uint32_t kFrontMap = 4u << 20; // bytes of a value, at most: the kernel's bound before Linux 6.2
constexpr uint32_t kMostNodes = (kFrontMap - kFrontHead - 2 * kBitmapRoot) / (2 * kBitmapNode);
constexpr uint32_t kMostBuckets = kFrontMap / (2 * kHostBucket);

// A node for each element, but no more than one value takes; buckets that are full to 4/5. What finds no place is in
// the trie.
void placeFront(PrefixTrieLayout& layout, uint32_t capacity) {
  layout.nodes = std::min(capacity + kFirstNode, kMostNodes);
  layout.buckets = std::min(capacity / 32 * 5 + kSpareBuckets, kMostBuckets);
  layout.hosts_apart = layout.frontBytes() > kFrontMap;
  for (uint32_t& owned : layout.owned) {
    owned = layout.first_line;
    layout.first_line += linesFor(kBitmapRoot);
  }
}

} // namespace

std::vector<uint32_t> TrieMaps::all() const {
  std::vector<uint32_t> maps = {lines, front};
  if (hosts)
    maps.push_back(*hosts);
  return maps;
}

std::optional<TrieMaps> trieMaps(const Manifest& manifest, const Set& set) {
  if (!set.trie_map || *set.trie_map >= manifest.maps.size() || manifest.maps[*set.trie_map].type != kArray)
    return {};
  const uint32_t lines = *set.trie_map;
  const bool apart = set.key.parts.size() == 1 && prefixTrieLayout(set.key.parts[0], set.capacity).hosts_apart;
  return TrieMaps{lines, lines + 1, apart ? std::optional(lines + 2) : std::nullopt};
}

PrefixTrieLayout prefixTrieLayout(KeyKind kind, uint32_t capacity) {
  PrefixTrieLayout layout;
  layout.v4 = kind != KeyKind::Ipv6Prefix;
  layout.v6 = kind != KeyKind::Ipv4Prefix;
  layout.root_bits = capacity < kLargeSet ? 8 : 16;
  layout.elements = 2 * capacity + 1;
  const uint32_t blocks = capacity + capacity / 4 + kSpareLines;
  const uint32_t area = layout.rootLines() * (layout.v4 + layout.v6);
  // The bitmaps and the rest are far less than as many lines again.
  const uint32_t apart = 2 * area + 2 * linesFor(kBitmapRoot);
  layout.element_bitmap = linesFor((uint64_t{blocks} + apart + layout.elements) / 8) + 2;
  layout.roots[0] = layout.element_bitmap + layout.elements / kLineBits + 1;
  layout.roots[1] = layout.roots[0] + area;
  layout.first_line = layout.roots[1] + area;
  if (layout.v4 && capacity >= kLeastFront)
    placeFront(layout, capacity);
  layout.element = layout.first_line + blocks;
  layout.lines = layout.element + layout.elements;
  return layout;
}

} // namespace xdpc::abi
