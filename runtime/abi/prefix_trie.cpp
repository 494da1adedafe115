// Sizes of tries. Tested by tests/unit/state/prefix_trie_test.cpp.
#include "runtime/abi/prefix_trie.h"

namespace xdpc::abi {
namespace {

constexpr uint32_t kLargeSet = 4096;   // from here on a root of 16 bits pays
constexpr uint32_t kSpareLines = 2048; // for changes between two grace periods
constexpr uint32_t kLineBits = kTrieLine * 8;

uint32_t linesFor(uint64_t bytes) {
  return static_cast<uint32_t>((bytes + kTrieLine - 1) / kTrieLine);
}

constexpr uint32_t kArray = 2; // BPF_MAP_TYPE_ARRAY

} // namespace

std::optional<uint32_t> elementsMap(const Manifest& manifest, const Set& set) {
  const bool ours = set.trie_map && manifest.maps[*set.trie_map].type == kArray;
  return ours ? std::optional(*set.trie_map + 1) : std::nullopt;
}

PrefixTrieLayout prefixTrieLayout(KeyKind kind, uint32_t capacity) {
  PrefixTrieLayout layout;
  layout.v4 = kind != KeyKind::Ipv6Prefix;
  layout.v6 = kind != KeyKind::Ipv4Prefix;
  layout.root_bits = capacity < kLargeSet ? 8 : 16;
  layout.elements = 2 * capacity + 1;
  const uint32_t blocks = capacity + capacity / 4 + kSpareLines;
  const uint32_t area = layout.rootLines() * (layout.v4 + layout.v6);
  layout.line_bitmap = linesFor(sizeof(PrefixTrieHead));
  // The bitmaps and the rest are far less than as many lines again.
  layout.element_bitmap = layout.line_bitmap + linesFor((uint64_t{blocks} + 2 * area + layout.elements) / 8) + 2;
  layout.roots[0] = layout.element_bitmap + layout.elements / kLineBits + 1;
  layout.roots[1] = layout.roots[0] + area;
  layout.first_line = layout.roots[1] + area;
  layout.lines = layout.first_line + blocks;
  return layout;
}

} // namespace xdpc::abi
