// Lays the tables of views out. Tested by tests/classbench and tests/packet/maps.
#include "compiler/plan/classifier_write.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

namespace xdpc::plan {
namespace {

constexpr size_t kLine = 64; // of a cache
// The largest value of an array map that every kernel since Linux 6.1 takes.
constexpr size_t kMaxBytes = 4u << 20;

// Of each row its bounds, word by word, and its result.
std::vector<uint64_t> rowsOf(const ViewTables& tables, size_t words) {
  std::vector<uint64_t> rows;
  for (size_t row = 0; row < tables.results.size(); ++row) {
    const auto bounds = tables.bounds.begin() + static_cast<std::ptrdiff_t>(2 * words * row);
    rows.insert(rows.end(), bounds, bounds + static_cast<std::ptrdiff_t>(2 * words));
    rows.push_back(tables.results[row]);
  }
  return rows;
}

std::vector<uint64_t> wordOf(const ViewTables& tables, size_t words, size_t word) {
  std::vector<uint64_t> column;
  for (size_t at = 2 * word; at < tables.bounds.size(); at += 2 * words)
    column.insert(column.end(), {tables.bounds[at], tables.bounds[at + 1]});
  return column;
}

} // namespace

// Nothing where no map takes so much.
std::optional<TableBytes> ViewWriter::add(const void* data, size_t bytes) {
  const size_t room = std::max<size_t>(kLine, (bytes + kLine - 1) / kLine * kLine);
  if (room > kMaxBytes)
    return std::nullopt;
  if (!map_ || program_.tables[*map_].size() + room > kMaxBytes)
    addMap();
  std::vector<uint8_t>& out = program_.tables[*map_];
  TableBytes place{.map = *map_, .offset = static_cast<uint32_t>(out.size())};
  out.resize(out.size() + room);
  if (bytes)
    std::memcpy(out.data() + place.offset, data, bytes);
  program_.manifest.maps[*map_].value_size = static_cast<uint32_t>(out.size());
  return place;
}

void ViewWriter::addMap() {
  map_ = static_cast<uint32_t>(program_.manifest.maps.size());
  program_.manifest.maps.push_back({.name = fmt::format(".rodata.{}{}", name_, made_++),
                                    .role = abi::MapRole::table,
                                    .type = BPF_MAP_TYPE_ARRAY,
                                    .key_size = 4,
                                    .max_entries = 1,
                                    .flags = BPF_F_RDONLY_PROG});
}

template <typename Word> bool ViewWriter::put(TableBytes& into, const std::vector<Word>& words, uint64_t& bytes) {
  const auto place = add(words.data(), words.size() * sizeof(Word));
  if (place)
    into = {place->map, place->offset, static_cast<uint32_t>(words.size())};
  bytes += words.size() * sizeof(Word);
  return place.has_value();
}

// What a row has lies together, in a cache line or two, if one map takes all of it; else there is a table for each
// part.
bool ViewWriter::write(ClassifierView& view, const ViewTables& tables, uint64_t& bytes) {
  if (view.hash) {
    const bool put_all =
        put(view.hash->factors, tables.hash->factors, bytes) && put(view.hash->slots, tables.hash->slots, bytes);
    view.hash->slots.count /= view.words + 1;
    return put_all;
  }
  const auto rows = static_cast<uint32_t>(tables.results.size());
  const std::vector<uint64_t> together = rowsOf(tables, view.words);
  if (auto place = add(together.data(), together.size() * 8)) {
    view.row_bytes = view.result_bytes = view.words * 16 + 8;
    for (unsigned word = 0; word < view.words; ++word)
      view.bounds.push_back({place->map, place->offset + word * 16, rows});
    view.results = {place->map, place->offset + view.words * 16, rows};
    bytes += together.size() * 8;
  } else {
    view.row_bytes = 16;
    view.result_bytes = 8;
    for (unsigned word = 0; word < view.words; ++word)
      if (!put(view.bounds.emplace_back(), wordOf(tables, view.words, word), bytes))
        return false;
    for (TableBytes& bounds : view.bounds)
      bounds.count = rows;
    if (!put(view.results, tables.results, bytes))
      return false;
  }
  return put(view.nodes, tables.forest.nodes, bytes) && put(view.lists, tables.forest.lists, bytes) &&
         writeRanks(view, tables, bytes);
}

bool ViewWriter::writeRanks(ClassifierView& view, const ViewTables& tables, uint64_t& bytes) {
  for (size_t i = 0; i < view.lanes.size(); ++i) {
    if (!tables.ranks[i])
      continue;
    ClassifierRanks& ranks = view.lanes[i].ranks.emplace(tables.ranks[i]->widths);
    for (const auto& level : tables.ranks[i]->inner)
      if (!put(ranks.levels.emplace_back(), level, bytes))
        return false;
    if (!put(ranks.levels.emplace_back(), tables.ranks[i]->last, bytes))
      return false;
  }
  return true;
}

} // namespace xdpc::plan
