// Copies elements of sets and buckets of meters from one generation's maps into another's, where they cannot be shared.
// Entry point: copyState. Tested in tests/runtime/carry_test.cpp.
#pragma once

#include "runtime/swap/contents.h"
#include "runtime/swap/generation.h"
#include "runtime/swap/match.h"

#include <span>

namespace xdpc::swap {

// One of the two: its declarations and its maps.
struct Side {
  const abi::Manifest& manifest;
  kernel::LiveMaps& maps;
};

// Before `to` runs, and again when nothing writes into `from` any more: the later end, or arrival time, stays. What the
// old policy's text declared and the new one's does not is left behind; the new one's is added the first time. What
// elements counted is added the second time.
enum class Round { first, second };
Result<Done> copyState(const Side& from, const Side& to, const StateMatch& match, Round round);

// The elements of sets that start afresh: those that are given, else the initial ones.
Result<Done> fillFreshSets(const Side& to, const StateMatch& match, std::span<const SetContents> contents);

// Tells the program of `to` how many elements the tries have that it shares.
Result<Done> announceTries(const Side& from, const Side& to, const StateMatch& match);

// Empties what `to` would have copied: state of an earlier time.
Result<Done> clearStale(const Side& to, const StateMatch& match);

} // namespace xdpc::swap
