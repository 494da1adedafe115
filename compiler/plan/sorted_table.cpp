// Rows of sorted tables.
#include "compiler/plan/sorted_table.h"

namespace xdpc::plan {
namespace {

void appendKey(Bytes& out, ir::u128 key, uint32_t words, uint32_t word_bytes) {
  if (words == 2)
    append(out, static_cast<uint64_t>(key >> 64), 8);
  append(out, static_cast<uint64_t>(key), word_bytes);
}

} // namespace

SortedData makeSorted(const Runs& runs, uint32_t words, uint32_t word_bytes) {
  SortedData data{.words = words, .word_bytes = word_bytes, .count = static_cast<uint32_t>(runs.size())};
  for (const Run& run : runs) {
    appendKey(data.keys, run.low, words, word_bytes);
    appendKey(data.lasts, run.high, words, word_bytes);
  }
  return data;
}

SortedTable layOut(const SortedData& data, TableLayout& layout) {
  SortedTable table{.words = data.words, .word_bytes = data.word_bytes, .keys = {}, .lasts = {}};
  const uint32_t row_bytes = data.words * data.word_bytes;
  table.keys = layout.place(data.keys, row_bytes);
  if (!data.lasts.empty())
    table.lasts = layout.place(data.lasts, row_bytes);
  return table;
}

} // namespace xdpc::plan
