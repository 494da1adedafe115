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
// level one of a node. An entry is `what << kKindBits | kind`. The keys of IPv4 are in the upper half.
struct Trie {
  enum Kind : uint32_t {
    number = 0, // what: the number
    node = 1,   // of the next level
    below = 2,  // the rest of an IPv6 address decides: `low` is asked
    lists = 3,  // from here on: an element of a form of list
  };
  static constexpr unsigned kKindBits = 3;
  static constexpr unsigned kSlots = 256, kWords = kSlots / 64, kNodeBytes = kWords * 12;
  static constexpr uint32_t kMostNumbers = 1u << (32 - kKindBits);

  struct Level {
    bool ranked = false; // a node marks with 256 bits where a run of equal entries begins, and counts them in 4 u32
    Array nodes;         // of a ranked level
    Array entries;       // u32; of other levels 256 a node
  };

  // An element lists a few runs: where those behind the first begin, ascending, then what each leads to: entries, or
  // where `state_bits` is not 0 so many bits a run, which are 0, 1 for the number 1, and 2 for `below`.
  struct ListForm {
    unsigned runs = 0, bound_bytes = 8, shift = 0; // a bound is these bytes of the key, from the bit `shift` on
    unsigned entries_at = 0, state_bits = 0;
    unsigned bytes = 64;
  };
  struct Lists {
    ListForm form;
    Array elements;
  };

  unsigned root_bits = 16; // or 8
  std::vector<Level> levels;
  std::vector<Lists> forms; // by kind, from `lists` on
  std::optional<SortedTable> low;
  Array low_numbers; // u32, by row of `low`
};

using Lookup = std::variant<SortedTable, Bitmap, BitmapTrie, HashTable, QuotientTable, Trie>;
enum class LookupKind : uint8_t { sorted, bitmap, bitmap_trie, hash, quotient, trie }; // in the same order

struct Table {
  Lookup lookup;
  uint32_t count = 0;        // keys or intervals
  Array values;              // of a map: by the number that the lookup gives; a power of two, in parts of one size
  uint32_t value_bytes = 0;  // 0: a set
  bool plain_values = false; // the numbers are the values plus 1, and `values` is empty
  uint64_t bytes = 0;        // of all arrays
  double ns = 0;             // that a lookup is expected to take
};

} // namespace xdpc::plan
