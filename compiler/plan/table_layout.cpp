// Lays tables out, one behind the other in as few maps as possible: a program names at most 64 maps.
#include "compiler/plan/table_layout.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <bit>

namespace xdpc::plan {
namespace {

// The largest value of an array map that every kernel since Linux 6.1 takes.
constexpr uint64_t kMaxTableBytes = 4u << 20;

using Bytes = std::vector<uint8_t>;

uint64_t aligned(uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

void append(Bytes& out, uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out.push_back(static_cast<uint8_t>(number >> (8 * i)));
}

void appendKey(Bytes& out, const std::vector<uint64_t>& key, unsigned word_bytes) {
  for (uint64_t word : key)
    append(out, word, word_bytes);
}

uint64_t addressWord(const abi::Address& address, unsigned from, unsigned count) {
  uint64_t value = 0;
  for (unsigned i = from; i < from + count; ++i)
    value = value << 8 | address.bytes[i];
  return value;
}

// In the host's order; an IPv6 address is two words, its first eight bytes first.
void appendValue(Bytes& out, const ir::MapEntry& entry, const RowShape& shape) {
  if (!shape.addresses)
    return append(out, entry.number, shape.value_bytes);
  if (shape.value_bytes == 4)
    return append(out, addressWord(entry.address, 0, 4), 4);
  append(out, addressWord(entry.address, 0, 8), 8);
  append(out, addressWord(entry.address, 8, 8), 8);
}

} // namespace

Bytes& TableLayout::roomFor(uint64_t bytes, uint32_t& map) {
  if (last_ && program_.tables[*last_].size() + bytes <= kMaxTableBytes) {
    map = *last_;
    return program_.tables[map];
  }
  map = static_cast<uint32_t>(program_.manifest.maps.size());
  program_.manifest.maps.push_back({.name = fmt::format(".rodata.lookup{}", made_++),
                                    .role = abi::MapRole::table,
                                    .type = BPF_MAP_TYPE_ARRAY,
                                    .key_size = 4,
                                    .max_entries = 1,
                                    .flags = BPF_F_RDONLY_PROG});
  last_ = map;
  return program_.tables[map];
}

std::optional<Table> TableLayout::add(const std::vector<Row>& rows, const RowShape& shape, Span place) {
  Table table{.count = static_cast<uint32_t>(rows.size()),
              .words = static_cast<uint32_t>(rows.front().key.size()),
              .word_bytes = shape.word_bytes,
              .value_bytes = shape.value_bytes};
  const uint64_t keys = aligned(uint64_t{table.count} * table.words * shape.word_bytes);
  const uint64_t values = aligned(uint64_t{std::bit_ceil(table.count)} * shape.value_bytes);
  const uint64_t bytes = keys * (shape.ranges ? 2 : 1) + values;
  if (bytes > kMaxTableBytes) {
    emitter_.report(
        diag::Id::too_many, place,
        fmt::format("its {} intervals need a table of {} bytes, the bound is {}", rows.size(), bytes, kMaxTableBytes));
    return std::nullopt;
  }
  Bytes& out = roomFor(bytes, table.map);
  table.keys = static_cast<uint32_t>(out.size());
  for (const Row& row : rows)
    appendKey(out, row.key, shape.word_bytes);
  out.resize(table.keys + keys);
  if (shape.ranges) {
    table.lasts = static_cast<uint32_t>(out.size());
    for (const Row& row : rows)
      appendKey(out, row.last, shape.word_bytes);
    out.resize(*table.lasts + keys);
  }
  table.values = static_cast<uint32_t>(out.size());
  if (shape.value_bytes)
    for (const Row& row : rows)
      appendValue(out, *row.value, shape);
  out.resize(table.values + values);
  program_.manifest.maps[table.map].value_size = static_cast<uint32_t>(out.size());
  return table;
}

} // namespace xdpc::plan
