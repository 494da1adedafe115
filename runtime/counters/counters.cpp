// Sums the rows of `counters` onto `base`, and lists keyed counters. Tested by tests/unit/state/counters_test.cpp.
#include "runtime/counters/counters.h"

#include "runtime/tables/table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpc::counters {
namespace {

using abi::Cell;
using engine::MapError;

void addCells(std::vector<Cell>& sums, std::span<const uint8_t> bytes) {
  for (size_t slot = 0; slot < sums.size() && (slot + 1) * sizeof(Cell) <= bytes.size(); ++slot) {
    Cell cell;
    std::memcpy(&cell, bytes.data() + slot * sizeof(Cell), sizeof cell);
    sums[slot].packets += cell.packets;
    sums[slot].bytes += cell.bytes;
  }
}

// The map's whole value. It is read at once: a pinned map may cost a system call each time.
Result<abi::Bytes, MapError> readAll(const engine::Maps& maps, uint32_t map) {
  abi::Bytes bytes(maps.valueSize(map));
  if (auto done = maps.read(map, 0, bytes); !done)
    return done.error();
  return bytes;
}

} // namespace

std::optional<uint32_t> findSlot(const abi::Manifest& manifest, std::string_view name, abi::SlotKind kind) {
  for (size_t i = 0; i < manifest.slots.size(); ++i)
    if (manifest.slots[i].kind == kind && manifest.slots[i].name == name)
      return static_cast<uint32_t>(i);
  return std::nullopt;
}

const abi::Counter* findCounter(const abi::Manifest& manifest, std::string_view name) {
  const auto& all = manifest.counters;
  const auto found = std::find_if(all.begin(), all.end(), [&](const abi::Counter& c) { return c.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Result<std::vector<Cell>, MapError> readBase(const engine::Maps& maps, const abi::Manifest& manifest) {
  std::vector<Cell> sums(manifest.slots.size(), Cell{0, 0});
  const auto base = abi::mapWithRole(manifest, abi::MapRole::base);
  if (!base)
    return sums;
  const auto bytes = readAll(maps, *base);
  if (!bytes)
    return bytes.error();
  addCells(sums, *bytes);
  return sums;
}

Result<std::vector<Cell>, MapError> readCells(const engine::Maps& maps, const abi::Manifest& manifest) {
  std::vector<Cell> sums(manifest.slots.size(), Cell{0, 0});
  const auto counters = abi::mapWithRole(manifest, abi::MapRole::counters);
  if (!counters)
    return sums;
  const auto bytes = readAll(maps, *counters);
  if (!bytes)
    return bytes.error();
  const size_t row = manifest.maps[*counters].row_bytes;
  for (size_t offset = 0; row != 0 && offset + row <= bytes->size(); offset += row)
    addCells(sums, std::span(*bytes).subspan(offset, row));
  return sums;
}

Result<std::vector<Cell>, MapError> readSlots(const engine::Maps& maps, const abi::Manifest& manifest) {
  auto sums = readBase(maps, manifest);
  const auto cells = sums ? readCells(maps, manifest) : sums;
  if (!cells)
    return cells;
  for (size_t slot = 0; slot < sums->size(); ++slot) {
    (*sums)[slot].packets += (*cells)[slot].packets;
    (*sums)[slot].bytes += (*cells)[slot].bytes;
  }
  return sums;
}

Result<Cell, MapError> readSlot(const engine::Maps& maps, const abi::Manifest& manifest, uint32_t slot) {
  auto all = readSlots(maps, manifest);
  if (!all)
    return all.error();
  if (slot >= all->size())
    return MapError{ENOENT, "the policy has no such counter"};
  return (*all)[slot];
}

Result<Cell, MapError> readKey(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Counter& counter,
                               const abi::KeyValue& key) {
  const auto table = tables::Table::open(maps, manifest, *counter.map, counter.key, 2);
  if (!table)
    return table.error();
  const auto words = table->find(key);
  return words ? Cell{(*words)[0], (*words)[1]} : Cell{0, 0};
}

Result<std::vector<KeyedCount>, MapError> readKeys(const engine::Maps& maps, const abi::Manifest& manifest,
                                                   const abi::Counter& counter) {
  const auto table = tables::Table::open(maps, manifest, *counter.map, counter.key, 2);
  if (!table)
    return table.error();
  std::vector<KeyedCount> counts;
  table->forEach(
      [&](const abi::KeyValue& key, const tables::Words& words) { counts.push_back({key, {words[0], words[1]}}); });
  std::sort(counts.begin(), counts.end(), [](const KeyedCount& a, const KeyedCount& b) {
    return a.cell.packets != b.cell.packets ? a.cell.packets > b.cell.packets : a.key < b.key;
  });
  return counts;
}

} // namespace xdpc::counters
