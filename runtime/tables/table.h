// A table of keyed state from user space: find, put, erase, walk, while programs work on it (runtime/abi/keyed_table.h
// has the rules). One process at a time writes: on a live policy the caller holds its lock. Tested by
// tests/unit/state/table_test.cpp.
#pragma once

#include "runtime/abi/keyed_table.h"
#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <functional>

namespace xdpc::tables {

inline constexpr unsigned kMaxColumns = 3;
using Words = std::array<uint64_t, kMaxColumns>; // as many as the table has columns

// How far a word is from rest, 0 at rest.
class Rest {
public:
  static Rest ofSet(uint64_t now_ns) { return Rest(Kind::set, now_ns, 0); }
  static Rest ofMeter(uint64_t now_ns, uint64_t window) {
    return Rest(Kind::meter, now_ns << abi::kMeterShift, window);
  }
  static Rest ofCounter() { return Rest(Kind::counter, 0, 0); }

  uint64_t distance(uint64_t word) const;
  uint64_t bounded(uint64_t word) const; // of a meter: no farther than an empty bucket

private:
  enum class Kind { set, meter, counter };
  Rest(Kind kind, uint64_t now, uint64_t window) : kind_(kind), now_(now), window_(window) {}
  Kind kind_;
  uint64_t now_, window_;
};

// What becomes of words that are there already.
enum class Merge {
  replace,
  later, // the first word farther from rest stays, the others are added up
};

enum class Placed { inserted, merged, full };

// What the tables of a policy are hashed with. A policy that shares some has to be loaded with the same.
Result<uint64_t, engine::MapError> seedOf(const engine::Maps& maps, const abi::Manifest& manifest);

class Table {
public:
  static Result<Table, engine::MapError> open(const engine::Maps& maps, const abi::Manifest& manifest, uint32_t map,
                                              const abi::KeyType& key, unsigned columns);

  // Words of a key that has a place, be it at rest.
  std::optional<Words> find(const abi::KeyValue& key) const;
  // A key without a place takes one that is unused or at rest, of the emptier of its two buckets.
  Placed put(const abi::KeyValue& key, const Words& words, Merge merge, const Rest& rest);
  // Of the places that the key could have, the one nearest to rest is unused then, unless it is as far as `bound`.
  bool evictFor(const abi::KeyValue& key, const Rest& rest, uint64_t bound);
  // The place is unused then. False if the key has none.
  bool erase(const abi::KeyValue& key);
  // Every key that has a place, be it at rest, with its words.
  void forEach(const std::function<void(const abi::KeyValue&, const Words&)>& visit) const;
  // How many there are, and how many of them are not at rest, without a look at their keys.
  size_t count() const;
  size_t count(const Rest& rest) const;
  void clear();
  // Makes unused what is at rest; how many places.
  size_t eraseResting(const Rest& rest);

  uint32_t buckets() const { return buckets_; }
  uint64_t places() const { return uint64_t{buckets_} * abi::kWays; }

private:
  struct Place {
    uint8_t* bucket;
    unsigned number;
  };
  class Locks;

  Table(std::span<uint8_t> memory, const abi::KeyType& type, const abi::TableLayout& layout, uint32_t buckets,
        const abi::HashKeys& keys)
      : memory_(memory), type_(type), layout_(layout), buckets_(buckets), hash_keys_(keys) {}

  uint8_t* bucket(uint32_t number) const { return memory_.data() + size_t{number} * layout_.bucketBytes(); }
  abi::Placement placementOf(const abi::TableKey& key) const;
  bool holds(const Place& place, const abi::TableKey& key, uint16_t tag) const;
  std::optional<Place> place(const abi::TableKey& key, const abi::Placement& at) const;
  abi::TableKey keyAt(const Place& place) const;
  Words wordsAt(const Place& place) const;
  std::optional<Place> unusedPlace(const abi::Placement& at) const;
  std::optional<Place> restingPlace(const abi::Placement& at, const Rest& rest) const;
  void fill(const Place& place, const abi::TableKey& key, uint16_t tag, const Words& words);
  void merge(const Place& place, const Words& words, Merge how, const Rest& rest);
  void makeUnused(const Place& place);

  std::span<uint8_t> memory_;
  abi::KeyType type_;
  abi::TableLayout layout_;
  uint32_t buckets_;
  abi::HashKeys hash_keys_;
};

} // namespace xdpc::tables
