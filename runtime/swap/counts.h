// Counts of a generation with those that it has still to take over from the one before. Entry points: readCounts,
// readKeyed. Tested in tests/runtime/carry_test.cpp.
#pragma once

#include "runtime/counters/counters.h"
#include "runtime/swap/generation.h"
#include "runtime/swap/match.h"

#include <map>

namespace xdpc::swap {

struct Counts {
  std::vector<abi::Cell> slots; // by slot number
  abi::Cell retired{};          // of rules that are gone or had no name
};
using KeyedCounts = std::map<abi::KeyValue, abi::Cell>;

// What this generation has itself: its base (or, while it still carries, the origin) and its cells.
Result<Counts> ownCounts(const Generation& generation);
// Adds counts of `from` to those of the generation that they match; rules without a match retire.
void addCounts(Counts& to, const Counts& from, const abi::Manifest& manifest, const StateMatch& match);

// Counts by hand what no packet did, under the device's lock.
Result<Done> countByHand(const Generation& generation, uint32_t slot, uint64_t times);

// The same for a keyed counter, by its number in the manifest.
Result<KeyedCounts> ownKeyed(const Generation& generation, uint32_t counter);
Result<KeyedCounts> ownKeyedBase(const Generation& generation, uint32_t counter); // its base alone
void addKeyed(KeyedCounts& to, const KeyedCounts& from);

// `other`: the generation whose counts are not in this one's yet, if there is one. All that was ever counted, that is.
Result<Counts> readCounts(const Generation& generation, const Generation* other);
// The most packets first, equal ones by key.
Result<std::vector<counters::KeyedCount>> readKeyed(const Generation& generation, const Generation* other,
                                                    uint32_t counter);

// A keyed counter's base in the epoch: written once, then pinned.
Result<Done> pinKeyedBase(const Generation& generation, uint32_t counter, uint64_t epoch, const KeyedCounts& counts);
std::filesystem::path keyedBasePath(const Folder& folder, uint32_t generation, uint32_t counter, uint64_t epoch);

// Which state of `from` is which of `to`, as their pinned maps say.
StateMatch matchPinned(const Generation& from, const Generation& to, const Reset& reset);

} // namespace xdpc::swap
