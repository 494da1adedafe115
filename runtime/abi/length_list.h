// Sets in which the element that matched longest has to be known, or in which several parts are prefixes: all elements
// lie in one table (keyed_table.h), and a list beside it says which combinations of prefix lengths there are. A lookup
// cuts its key to each of them and looks for that. Only user space writes the list. Part of the ABI (see abi.h). Tested
// by tests/unit/abi/length_list_test.cpp.
//
// The list is the only value of an array map: u32 count, u32 0, then that many entries of u64:
//   families, rank, form, then for each word of a key its mask, then for each word what is put in place of its lengths
// The first three never change but for `families`, which is ~0 in an entry that is not in use.
#pragma once

#include "runtime/abi/keyed_table.h"

namespace xdpc::abi {

inline constexpr unsigned kMaxLengths = 255;
inline constexpr unsigned kMaxPrefixParts = 7; // their lengths make up a rank

// One combination, as it is in the list.
struct LengthEntry {
  uint64_t families = 0;              // a bit for each part that is a prefix, set where its family is IPv6
  uint64_t rank = 0;                  // greater where the first part's prefix is longer, then the second's …; never 0
  uint64_t form = 0;                  // TableKey::form of such elements
  std::vector<uint64_t> masks, forms; // by word of TableKey
};

struct LengthLayout {
  unsigned words = 0; // of a key
  uint32_t entryBytes() const { return 8 * (3 + 2 * words); }
  uint32_t entryOffset(uint32_t number) const { return 8 + number * entryBytes(); }
  uint32_t bytes() const { return entryOffset(kMaxLengths); }
};
inline constexpr uint32_t kFamiliesOffset = 0, kRankOffset = 8, kFormOffset = 16, kMasksOffset = 24; // in an entry
inline constexpr uint64_t kUnused = ~uint64_t{0};

LengthLayout lengthLayout(const KeyType& type);
unsigned prefixParts(const KeyType& type); // how many parts are prefixes
// Of an element's prefixes, in their order.
std::vector<PrefixLength> lengthsOf(const KeyType& type, const KeyValue& value);
LengthEntry lengthEntry(const KeyType& type, const std::vector<PrefixLength>& lengths);
std::vector<PrefixLength> lengthsOf(const KeyType& type, uint64_t rank);
// The key cut to these lengths; nothing if some part of it is of another family or shorter.
std::optional<KeyValue> cutTo(const KeyType& type, const KeyValue& key, const std::vector<PrefixLength>& lengths);

} // namespace xdpc::abi
