// How keyed state (elements of sets, buckets of meters, keyed counters) lies in an array map. The program's lowering
// (compiler/lower/keyed_table.h) and user space (runtime/tables) work on the same bytes at the same time. Part of the
// ABI (see abi.h). Tested by tests/unit/abi/keyed_table_test.cpp.
//
// An entry of the array is a bucket of 16 places:
//   0    u64 lock       0: free; 1: a program inserts; (coarse clock in ns << 2 | 3): user space inserts since then
//   16   u16[16] tags   0: never used; else a part of the key's hash, odd, below 2^15
//   48   u8[16] forms   family and prefix length of the key, see KeyForm
//   64   u64[columns][16] words: what the key is there for
//   …    keys, one a place
// A place's tag stands at tagPosition(place), so that the program finds a place from the tags with one multiplication.
//
// A key belongs into one of two buckets. The first word says whether a place is at rest, that is, free to be taken: the
// element of a set has ended, a meter's bucket is full again, a counter never is. kBusy is a place that changes hands.
//
// Who inserts holds the locks of both buckets, looks for the key again, and takes a place: compare-and-swap of its word
// to kBusy, key, form, tag, and last the word. Readers take no lock: a word read before and behind the key, equal, was
// that key's (no place gets the word again that it had before); a compare-and-swap that succeeds says the same.
#pragma once

#include "runtime/abi/key.h"

#include <array>

namespace xdpc::abi {

inline constexpr unsigned kWays = 16;
inline constexpr unsigned kKeysPerBucket = 13; // as many, on average, two choices of 16 places hold without loss
inline constexpr unsigned kCandidates =
    4; // keys of one tag in a bucket that are compared; of 2^-14 each, five are none
// A meter's word lies this far beyond its window, at most, where CPUs read the clock at different times; what is still
// farther ahead lies in the past (1/65,536 ns).
inline constexpr uint64_t kMeterSlack = uint64_t{1'000'000'000} << kMeterShift;
inline constexpr uint64_t kBusy = 1;
inline constexpr uint64_t kLockedByProgram = 1;
inline constexpr uint64_t kLockTaken = 1'000'000'000; // ns after which a lock of user space counts as left behind

inline constexpr uint32_t kLockOffset = 0, kTagsOffset = 16, kFormsOffset = 48, kWordsOffset = 64;
// Isolated bits 16 * lane + word of a mask of tags, times this, shifted right by 60: a place, each another one.
inline constexpr uint64_t kPlaceMultiplier = [] {
  // Four windows of seven bits of the de Bruijn sequence 0000100110101111000.
  constexpr uint64_t sequence = 0b0000100110101111000, bits = 19;
  uint64_t product = 0;
  for (unsigned lane = 0; lane < 4; ++lane)
    product |= (sequence >> (bits - 7 - 4 * lane) & 0x7f) << (57 - 16 * lane);
  return product;
}();
constexpr unsigned placeOfBit(uint64_t isolated) {
  return static_cast<unsigned>(isolated * kPlaceMultiplier >> 60);
}
// Four bits a place: where its tag stands.
inline constexpr uint64_t kTagPositions = [] {
  uint64_t positions = 0;
  for (uint64_t lane = 0; lane < 4; ++lane)
    for (uint64_t word = 0; word < 4; ++word)
      positions |= (4 * word + lane) << 4 * placeOfBit(uint64_t{1} << (16 * lane + word));
  return positions;
}();
constexpr unsigned tagPosition(unsigned place) {
  return kTagPositions >> 4 * place & 15;
}

// Family and length of a prefix in a byte.
constexpr uint8_t keyForm(Family family, uint8_t length) {
  return family == Family::v4 ? length : 64 + length;
}

struct TableLayout {
  bool form = false;       // one part has a family or a length, which lies with the forms; else there are words for it
  unsigned key_words = 0;  // u64
  unsigned key_stride = 0; // bytes from key to key: 4 for a key of up to 32 bits
  unsigned columns = 1;

  uint32_t wordOffset(unsigned column, unsigned place) const { return kWordsOffset + 8 * (kWays * column + place); }
  uint32_t keyOffset(unsigned place) const { return wordOffset(columns, 0) + key_stride * place; }
  uint32_t bucketBytes() const { return (keyOffset(kWays) + 63) / 64 * 64; }
  bool operator==(const TableLayout&) const = default;
};
TableLayout tableLayout(const KeyType& type, unsigned columns);
uint32_t bucketsFor(uint32_t capacity);

// A part whose bytes say more than its number: its family, or a prefix length.
bool hasForm(KeyKind kind);
unsigned wideWords(KeyKind kind); // words of 64 bits that a part takes; 0: half a word

// Parts of 64 bits first, then the others, two a word, low half first. Addresses are numbers in host order: IPv4 of
// kind `ip` takes the first of its two words, an IPv6 address has its first half first. A MAC is a number of 48 bits.
struct TableKey {
  uint8_t form = 0;
  std::vector<uint64_t> words;
  bool operator==(const TableKey&) const = default;
};
TableKey packKey(const KeyType& type, const KeyValue& value);
KeyValue unpackKey(const KeyType& type, const TableKey& key);

// Secret numbers, one for each half word of a key and one for its form: sums of products modulo 2^64, whose upper
// halves are equal for two keys with probability 2^-32 to somebody who does not know them.
inline constexpr unsigned kHashKeys = 32;
using HashKeys = std::array<uint64_t, kHashKeys>;
HashKeys hashKeys(uint64_t seed);
// Puts a seed and its numbers into the configuration. Tests take one that stands still.
void seedTables(Config& config, uint64_t seed);
inline constexpr uint64_t kTestSeed = 0x78647063;
uint64_t hashKey(const HashKeys& keys, const TableKey& key);
inline constexpr uint64_t kHashMix = 0x9fb21c651e98df25;

struct Placement {
  uint32_t buckets[2];
  uint16_t tag;
};
Placement placeKey(uint64_t hash, uint32_t buckets);

} // namespace xdpc::abi
