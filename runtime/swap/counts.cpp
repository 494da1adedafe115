// Sums what lies in several maps, of one generation or two. Tested in tests/runtime/carry_test.cpp.
#include "runtime/swap/counts.h"

#include "runtime/abi/prefix_trie.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using abi::Cell;
using kernel::KernelError;

KernelError toError(const engine::MapError& error) {
  return {.code = error.code, .message = error.message};
}

void add(Cell& to, const Cell& from) {
  to.packets += from.packets;
  to.bytes += from.bytes;
}

// An entry of a keyed base: the key, padded to eight bytes, and its cell.
size_t entryBytes(const abi::KeyType& key) {
  return (abi::keySize(key) + 7) / 8 * 8 + sizeof(Cell);
}

} // namespace

Result<Counts> ownCounts(const Generation& generation) {
  auto cells = counters::readCells(*generation.maps, generation.manifest);
  if (!cells)
    return toError(cells.error());
  Counts counts{std::move(*cells)};
  if (generation.carries) {
    const auto origins = generation.ledger->origins();
    for (size_t slot = 0; slot < counts.slots.size(); ++slot)
      add(counts.slots[slot], origins[slot]);
  } else {
    const auto base = counters::readBase(*generation.maps, generation.manifest);
    if (!base)
      return toError(base.error());
    for (size_t slot = 0; slot < counts.slots.size(); ++slot)
      add(counts.slots[slot], (*base)[slot]);
  }
  if (generation.ledger)
    counts.retired = generation.carries ? generation.ledger->head().retired_origin : generation.ledger->head().retired;
  return counts;
}

Result<Done> countByHand(const Generation& generation, uint32_t slot, uint64_t times) {
  if (generation.carries) { // the base is written when that is over, from these
    generation.ledger->origins()[slot].packets += times;
    return Done{};
  }
  const auto map = abi::mapWithRole(generation.manifest, abi::MapRole::base);
  if (!map)
    return Done{};
  const auto offset = static_cast<uint32_t>(slot * sizeof(Cell));
  uint64_t count = 0;
  if (auto read = generation.maps->read(*map, offset, {reinterpret_cast<uint8_t*>(&count), sizeof count}); !read)
    return toError(read.error());
  count += times;
  if (auto written = generation.maps->write(*map, offset, {reinterpret_cast<const uint8_t*>(&count), sizeof count});
      !written)
    return toError(written.error());
  return Done{};
}

void addCounts(Counts& to, const Counts& from, const abi::Manifest& manifest, const StateMatch& match) {
  add(to.retired, from.retired);
  for (size_t slot = 0; slot < from.slots.size(); ++slot)
    if (match.slot[slot])
      add(to.slots[*match.slot[slot]], from.slots[slot]);
    else if (manifest.slots[slot].kind == abi::SlotKind::rule)
      add(to.retired, from.slots[slot]);
}

Result<KeyedCounts> ownKeyedBase(const Generation& generation, uint32_t counter) {
  KeyedCounts counts;
  if (!generation.ledger)
    return counts;
  const auto path = keyedBasePath(generation.folder, generation.number, counter, generation.epoch);
  kernel::Fd fd(bpf_obj_get(path.c_str()));
  if (!fd && errno == ENOENT)
    return counts;
  if (!fd)
    return kernel::systemError(fmt::format("cannot open the pin `{}`", path.string()), errno);
  const auto map = kernel::MappedArray::over(std::move(fd));
  if (!map)
    return map.error();
  const abi::KeyType& type = generation.manifest.counters[counter].key;
  const size_t step = entryBytes(type);
  uint64_t entries = 0;
  std::memcpy(&entries, map->bytes().data(), sizeof entries);
  entries = std::min<uint64_t>(entries, (map->bytes().size() - sizeof entries) / step);
  for (uint64_t i = 0; i < entries; ++i) {
    const auto entry = map->bytes().subspan(sizeof entries + i * step, step);
    Cell cell;
    std::memcpy(&cell, entry.data() + step - sizeof cell, sizeof cell);
    counts[abi::decodeKey(type, entry.first(abi::keySize(type)))] = cell;
  }
  return counts;
}

Result<KeyedCounts> ownKeyed(const Generation& generation, uint32_t counter) {
  auto counts = ownKeyedBase(generation, counter);
  if (!counts)
    return counts;
  const auto own = counters::readKeys(*generation.maps, generation.manifest, generation.manifest.counters[counter]);
  if (!own)
    return toError(own.error());
  for (const counters::KeyedCount& count : *own)
    add((*counts)[count.key], count.cell);
  return counts;
}

void addKeyed(KeyedCounts& to, const KeyedCounts& from) {
  for (const auto& [key, cell] : from)
    add(to[key], cell);
}

Result<Counts> readCounts(const Generation& generation, const Generation* other) {
  auto counts = ownCounts(generation);
  if (!counts || !other)
    return counts;
  const auto match = matchPinned(*other, generation, {});
  if (match.slots == Fate::shared)
    return counts;
  auto earlier = ownCounts(*other);
  if (!earlier)
    return earlier;
  addCounts(*counts, *earlier, other->manifest, match);
  return counts;
}

Result<std::vector<counters::KeyedCount>> readKeyed(const Generation& generation, const Generation* other,
                                                    uint32_t counter) {
  auto counts = ownKeyed(generation, counter);
  if (!counts)
    return counts.error();
  if (other)
    for (const Pair& pair : matchPinned(*other, generation, {}).counters)
      if (pair.to == counter && pair.fate == Fate::converted) {
        const auto earlier = ownKeyed(*other, pair.from);
        if (!earlier)
          return earlier.error();
        addKeyed(*counts, *earlier);
      }
  std::vector<counters::KeyedCount> sorted;
  for (auto& [key, cell] : *counts)
    sorted.push_back({key, cell});
  std::ranges::stable_sort(sorted, std::ranges::greater(), [](const auto& count) { return count.cell.packets; });
  return sorted;
}

std::filesystem::path keyedBasePath(const Folder& folder, uint32_t generation, uint32_t counter, uint64_t epoch) {
  return generationPath(folder, generation) / fmt::format("k{}-{}", counter, epoch);
}

Result<Done> pinKeyedBase(const Generation& generation, uint32_t counter, uint64_t epoch, const KeyedCounts& counts) {
  const abi::KeyType& type = generation.manifest.counters[counter].key;
  const size_t step = entryBytes(type);
  const uint64_t entries = counts.size();
  const auto map = kernel::MappedArray::create("xdpc_keys", static_cast<uint32_t>(sizeof entries + entries * step));
  if (!map)
    return map.error();
  std::memcpy(map->bytes().data(), &entries, sizeof entries);
  uint8_t* at = map->bytes().data() + sizeof entries;
  for (const auto& [key, cell] : counts) {
    const abi::Bytes bytes = abi::encodeKey(type, key);
    std::ranges::copy(bytes, at);
    std::memcpy(at + step - sizeof cell, &cell, sizeof cell);
    at += step;
  }
  const auto path = keyedBasePath(generation.folder, generation.number, counter, epoch);
  unlink(path.c_str()); // left by a command that was killed before it was finished
  if (bpf_obj_pin(map->fd().get(), path.c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", path.string()), errno);
  shareAsFolder(generation.folder, path);
  return Done{};
}

StateMatch matchPinned(const Generation& from, const Generation& to, const Reset& reset) {
  StateMatch match = matchState(from.manifest, to.manifest, reset);
  const auto is_one = [&](std::optional<uint32_t> a, std::optional<uint32_t> b) {
    return !a || !b || from.maps->id(*a) == to.maps->id(*b);
  };
  const auto role = [](const Generation& generation, abi::MapRole role) {
    return abi::mapWithRole(generation.manifest, role);
  };
  if (!is_one(role(from, abi::MapRole::counters), role(to, abi::MapRole::counters)))
    match.slots = Fate::converted;
  if (!is_one(role(from, abi::MapRole::meters), role(to, abi::MapRole::meters)))
    match.cells_fate = Fate::converted;
  for (Pair& pair : match.sets) {
    const abi::Set &old = from.manifest.sets[pair.from], &now = to.manifest.sets[pair.to];
    const auto old_trie = abi::trieMaps(from.manifest, old), new_trie = abi::trieMaps(to.manifest, now);
    if (!is_one(old.exact_map, now.exact_map) || !is_one(old.trie_map, now.trie_map) ||
        !is_one(old.lengths_map, now.lengths_map) ||
        (old_trie && new_trie && !std::ranges::equal(old_trie->all(), new_trie->all(), is_one)))
      pair.fate = Fate::converted;
  }
  for (Pair& pair : match.meters)
    if (!is_one(from.manifest.meters[pair.from].map, to.manifest.meters[pair.to].map))
      pair.fate = Fate::converted;
  for (Pair& pair : match.counters)
    if (!is_one(from.manifest.counters[pair.from].map, to.manifest.counters[pair.to].map))
      pair.fate = Fate::converted;
  return match;
}

} // namespace xdpc::swap
