// Lays arrays out in maps.
#include "compiler/plan/table_layout.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <bit>

namespace xdpc::plan {
namespace {

// The largest value of an array map that every kernel since Linux 6.1 takes.
constexpr uint64_t kMaxTableBytes = 4u << 20;
constexpr unsigned kMaxTables = 40;
constexpr uint64_t kLine = 64; // of the processor's cache: what lies in one costs one miss

} // namespace

void append(Bytes& out, uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out.push_back(static_cast<uint8_t>(number >> (8 * i)));
}

bool TableLayout::exceeded() const {
  return made_ > kMaxTables;
}

Place TableLayout::put(std::span<const uint8_t> bytes) {
  const uint64_t start = last_ ? (program_.tables[*last_].size() + kLine - 1) / kLine * kLine : 0;
  if (!last_ || start + bytes.size() > kMaxTableBytes) {
    last_ = static_cast<uint32_t>(program_.manifest.maps.size());
    // MMAPABLE: its value begins at a page, so that lines are where the layout puts them.
    program_.manifest.maps.push_back({.name = fmt::format(".rodata.lookup{}", made_++),
                                      .role = abi::MapRole::table,
                                      .type = BPF_MAP_TYPE_ARRAY,
                                      .key_size = 4,
                                      .max_entries = 1,
                                      .flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE});
  }
  Bytes& out = program_.tables[*last_];
  out.resize((out.size() + kLine - 1) / kLine * kLine);
  const Place place{*last_, static_cast<uint32_t>(out.size())};
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize((out.size() + 7) / 8 * 8);
  program_.manifest.maps[*last_].value_size = static_cast<uint32_t>(out.size());
  return place;
}

Array TableLayout::place(const Bytes& bytes, uint32_t element_bytes) {
  Array array{.element_bytes = element_bytes, .count = static_cast<uint32_t>(bytes.size() / element_bytes)};
  uint64_t part = bytes.size();
  if (part > kMaxTableBytes) {
    array.shift = static_cast<unsigned>(std::bit_width(kMaxTableBytes / element_bytes)) - 1;
    part = uint64_t{element_bytes} << array.shift;
  }
  for (uint64_t from = 0; from < bytes.size(); from += part)
    array.parts.push_back(put(std::span(bytes).subspan(from, std::min(part, bytes.size() - from))));
  return array;
}

Array TableLayout::placeRounded(Bytes bytes, uint32_t element_bytes) {
  bytes.resize(std::bit_ceil(bytes.size() / element_bytes) * element_bytes);
  return place(bytes, element_bytes);
}

} // namespace xdpc::plan
