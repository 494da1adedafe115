// Copies by the interface of sets, and buckets key by key. Tested in tests/runtime/carry_test.cpp.
#include "runtime/swap/copy.h"

#include "runtime/abi/prefix_trie.h"
#include "runtime/sets/sets.h"
#include "runtime/tables/table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::KernelError;

uint64_t monotonicNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

KernelError toError(const std::string& name, const sets::SetError& error) {
  if (error.kind == sets::SetError::Kind::full)
    return {kernel::ErrorKind::refused, 0, fmt::format("the set `{}` has more elements than it is to hold", name),
            error.message,
            fmt::format("raise its capacity, delete elements, or let it start afresh with --reset {}", name)};
  return {.code = error.code, .message = fmt::format("cannot carry the set `{}` over: {}", name, error.message)};
}

KernelError toError(const engine::MapError& error) {
  return {.code = error.code, .message = error.message};
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

Result<Done> copySet(const Side& from, const Side& to, const Pair& pair, Round round) {
  const abi::Set &old = from.manifest.sets[pair.from], &now = to.manifest.sets[pair.to];
  const uint64_t now_ns = monotonicNow();
  auto elements = sets::list(from.maps, from.manifest, old, now_ns);
  if (!elements)
    return toError(now.name, elements.error());
  std::erase_if(*elements, [&](const sets::Element& element) {
    const std::string text = abi::formatKey(old.key, element.key);
    return element.expires_ns == abi::kNever && contains(old.initial, text) && !contains(now.initial, text);
  });
  // Elements go over twice, what they counted once.
  if (round == Round::first)
    for (sets::Element& element : *elements)
      element.hits = {};
  if (round == Round::first)
    for (const std::string& text : now.initial)
      if (!contains(old.initial, text))
        if (auto key = abi::parseKey(now.key, text))
          elements->push_back({std::move(*key), abi::kNever});
  auto added = sets::addAll(to.maps, to.manifest, now, *elements, now_ns).done;
  // The second time a program may have filled it with elements of its own.
  if (!added && !(round == Round::second && added.error().kind == sets::SetError::Kind::full))
    return toError(now.name, added.error());
  return Done{};
}

// Times wrap; half of them lie ahead.
bool isLater(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a - b) > 0;
}

std::span<const uint8_t> bytesOf(const uint64_t& word) {
  return {reinterpret_cast<const uint8_t*>(&word), sizeof word};
}

Result<Done> copyBuckets(const Side& from, const Side& to, const abi::Meter& old, const abi::Meter& now) {
  const auto source = tables::Table::open(from.maps, from.manifest, *old.map, old.key, 1);
  auto target = tables::Table::open(to.maps, to.manifest, *now.map, now.key, 1);
  if (!source || !target)
    return toError((source ? target : source).error());
  const uint64_t now_ns = monotonicNow();
  const auto before = tables::Rest::ofMeter(now_ns, abi::windowOf(old));
  const auto after = tables::Rest::ofMeter(now_ns, abi::windowOf(now));
  // A full bucket is as good as none. Where there is no room the meter says what happens.
  source->forEach([&](const abi::KeyValue& key, const tables::Words& words) {
    if (before.distance(words[0]) != 0)
      target->put(key, {after.bounded(words[0])}, tables::Merge::later, after);
  });
  return Done{};
}

Result<Done> copyCell(const Side& from, const Side& to, uint32_t old_cell, uint32_t new_cell) {
  const uint32_t old_map = *abi::mapWithRole(from.manifest, abi::MapRole::meters);
  const uint32_t new_map = *abi::mapWithRole(to.manifest, abi::MapRole::meters);
  uint64_t word = 0, there = 0;
  const auto out = [](uint64_t& at) { return std::span(reinterpret_cast<uint8_t*>(&at), sizeof at); };
  if (auto read = from.maps.read(old_map, old_cell * sizeof word, out(word)); !read)
    return toError(read.error());
  if (auto read = to.maps.read(new_map, new_cell * sizeof word, out(there)); !read)
    return toError(read.error());
  if (!isLater(word, monotonicNow() << abi::kMeterShift) || (there != 0 && !isLater(word, there)))
    return Done{};
  if (auto written = to.maps.write(new_map, new_cell * sizeof word, bytesOf(word)); !written)
    return toError(written.error());
  return Done{};
}

} // namespace

Result<Done> copyState(const Side& from, const Side& to, const StateMatch& match, Round round) {
  for (const Pair& pair : match.sets)
    if (pair.fate == Fate::converted)
      if (auto done = copySet(from, to, pair, round); !done)
        return done;
  for (const Pair& pair : match.meters)
    if (pair.fate == Fate::converted)
      if (auto done = copyBuckets(from, to, from.manifest.meters[pair.from], to.manifest.meters[pair.to]); !done)
        return done;
  if (match.cells_fate == Fate::shared)
    return Done{};
  for (const Pair& pair : match.cells)
    if (auto done = copyCell(from, to, *from.manifest.meters[pair.from].cell, *to.manifest.meters[pair.to].cell); !done)
      return done;
  return Done{};
}

namespace {

Result<Done> fillWith(const Side& to, const abi::Set& set, std::span<const sets::Element> elements) {
  const uint64_t now_ns = monotonicNow();
  const auto ended = [&](const sets::Element& element) { return element.expires_ns <= now_ns; };
  std::vector<sets::Element> live;
  if (std::ranges::any_of(elements, ended)) {
    std::ranges::remove_copy_if(elements, std::back_inserter(live), ended);
    elements = live;
  }
  // All at once, which is much faster for prefixes; one by one where some have to give way to others.
  auto filled = sets::replace(to.maps, to.manifest, set, elements, now_ns);
  if (!filled && filled.error().kind == sets::SetError::Kind::full && set.when_full == abi::WhenFull::evict)
    filled = sets::addAll(to.maps, to.manifest, set, elements, now_ns).done;
  if (filled)
    return Done{};
  if (filled.error().kind == sets::SetError::Kind::full)
    return KernelError{
        kernel::ErrorKind::refused, 0,
        fmt::format("the set `{}` holds {} elements, and is given {}", set.name, set.capacity, elements.size())};
  return KernelError{.code = filled.error().code,
                     .message = fmt::format("cannot fill the set `{}`: {}", set.name, filled.error().message)};
}

} // namespace

Result<Done> fillFreshSets(const Side& to, const StateMatch& match, std::span<const SetContents> contents) {
  for (uint32_t i = 0; i < to.manifest.sets.size(); ++i) {
    const abi::Set& set = to.manifest.sets[i];
    if (std::ranges::any_of(match.sets, [&](const Pair& pair) { return pair.to == i; }))
      continue;
    const auto given = std::ranges::find_if(contents, [&](const SetContents& one) { return one.set == set.name; });
    if (given != contents.end()) {
      if (auto filled = fillWith(to, set, given->elements); !filled)
        return filled;
      continue;
    }
    if (auto filled = sets::addInitial(to.maps, to.manifest, set); !filled)
      return KernelError{.code = filled.error().code,
                         .message = fmt::format("cannot fill the sets: {}", filled.error().message),
                         .details = filled.error().fixit};
  }
  return Done{};
}

Result<Done> announceTries(const Side& from, const Side& to, const StateMatch& match) {
  const auto old_control = abi::mapWithRole(from.manifest, abi::MapRole::control);
  const auto new_control = abi::mapWithRole(to.manifest, abi::MapRole::control);
  if (!old_control || !new_control)
    return Done{};
  const auto offset = [](const abi::Set& set) {
    return static_cast<uint32_t>(offsetof(abi::Control, trie_elements) + sizeof(uint32_t) * set.index);
  };
  for (const Pair& pair : match.sets) {
    const abi::Set &old = from.manifest.sets[pair.from], &now = to.manifest.sets[pair.to];
    if (pair.fate != Fate::shared || !now.trie_map || abi::trieMaps(to.manifest, now))
      continue;
    uint8_t elements[sizeof(uint32_t)];
    if (auto read = from.maps.read(*old_control, offset(old), elements); !read)
      return toError(read.error());
    if (auto written = to.maps.write(*new_control, offset(now), elements); !written)
      return toError(written.error());
  }
  return Done{};
}

Result<Done> clearStale(const Side& to, const StateMatch& match) {
  for (const Pair& pair : match.sets)
    if (pair.fate == Fate::converted)
      if (auto cleared = sets::clear(to.maps, to.manifest, to.manifest.sets[pair.to]); !cleared)
        return toError(to.manifest.sets[pair.to].name, cleared.error());
  for (const Pair& pair : match.counters) {
    if (pair.fate != Fate::converted)
      continue;
    const abi::Counter& counter = to.manifest.counters[pair.to];
    auto table = tables::Table::open(to.maps, to.manifest, *counter.map, counter.key, 2);
    if (!table)
      return toError(table.error());
    table->clear();
  }
  return Done{};
}

} // namespace xdpc::swap
