// Lookups in constants, as values: what the plan chose for a constant set or a map, and where its data lie. Made by
// table.cpp and the builders beside it, lowered by compiler/lower/table.h. All numbers are in the host's order.
//
// A lookup gives a number: 0 for a key that is not there; else, of a map, the place of its value from 1.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace xdpc::plan {

struct Place {
  uint32_t map = 0; // index into manifest.maps, of role table
  uint32_t offset = 0;
};

// Elements of one size. A map holds 4 MiB at most: larger arrays are in parts of 1 << shift elements, the last of
// which has what is left.
struct Array {
  uint32_t element_bytes = 1;
  uint32_t count = 0;
  unsigned shift = 31;
  std::vector<Place> parts;

  uint64_t bytes() const { return uint64_t{element_bytes} * count; }
};

// Sorted intervals, searched by halving. A key is `words` words, the most significant first.
struct SortedTable {
  uint32_t words = 1, word_bytes = 8; // 4 or 8
  Array keys;                         // one part each
  std::optional<Array> lasts;         // where keys are intervals
};

// A bit a number: for numbers of up to 16 bits.
struct Bitmap {
  Array words; // of 64 bits; what lies behind them is not in the set
};

// A set of 32-bit keys. The first 16 bits choose a node in `root`, the next 8 a bit of the node. Equal nodes are one.
// A deep node has beside it which of the 256 parts are looked at more closely: `bases` counts them, `children` names
// the leaf, 256 bits for the last 8.
struct BitmapTrie {
  static constexpr unsigned kRootBits = 16, kSlots = 256, kWords = kSlots / 64;
  bool deep = false;
  Array root;     // u16
  Array nodes;    // kWords u64; where deep, as many again that mark the children
  Array bases;    // of a deep node: kWords u32, the number of the word's first child
  Array leaves;   // kWords u64
  Array children; // u16 or u32
};

// Single keys in two tables of buckets: a key is in the bucket of one or of the other hash.
struct HashTable {
  uint32_t words = 1, word_bytes = 8; // of a key, as in SortedTable
  uint32_t slots = 1;                 // a bucket
  uint32_t buckets = 1;               // of each table
  uint64_t seed = 1;                  // odd
  Array first, second;
};

// The same for 32-bit keys, of which only 16 bits or fewer are stored: the bucket's number is the rest of a hash that
// loses nothing.
struct QuotientTable {
  unsigned bucket_bits = 16; // 16 at least
  uint32_t slots = 2;        // 2 or 4 u16 a bucket, ascending; none where the first is greater than the second
  uint32_t seed = 1;         // odd
  Array first, second;
};

// What 64-bit keys lead to, by runs of keys that lead to the same: the first bits choose an entry of the root, then 8 a
// level one of a node. An entry is `what << 2 | kind`. The keys of IPv4 are in the upper half.
struct Trie {
  enum Kind : uint32_t {
    number = 0, // what: the number
    node = 1,   // of the next level
    list = 2,   // what: of `lists`
    below = 3,  // the rest of an IPv6 address decides: `low` is asked
  };
  static constexpr unsigned kSlots = 256, kWords = kSlots / 64, kBounds = 7;
  static constexpr unsigned kNodeBytes = kWords * 12, kListBytes = 64;

  struct Level {
    bool ranked = false; // a node marks with 256 bits where a run of equal entries begins, and counts them in 4 u32
    Array nodes;         // of a ranked level
    Array entries;       // u32; of other levels 256 a node
  };
  unsigned root_bits = 16; // or 8
  std::vector<Level> levels;
  // kBounds u64, ascending: where the runs behind the first begin. Then a byte for each run, its entry; or, where those
  // do not fit, nothing, and `list_entries` has them.
  Array lists;
  Array list_entries; // u32, kBounds + 1 a list
  std::optional<SortedTable> low;
  Array low_numbers; // u32, by row of `low`
};

using Lookup = std::variant<SortedTable, Bitmap, BitmapTrie, HashTable, QuotientTable, Trie>;
enum class LookupKind : uint8_t { sorted, bitmap, bitmap_trie, hash, quotient, trie }; // in the same order

struct Table {
  Lookup lookup;
  uint32_t count = 0;       // keys or intervals
  Array values;             // of a map: by the number that the lookup gives; a power of two, in parts of one size
  uint32_t value_bytes = 0; // 0: a set
  uint64_t bytes = 0;       // of all arrays
  double ns = 0;            // that a lookup is expected to take
};

} // namespace xdpc::plan
