// Makes the data of a SortedTable (lookup.h). Tested by tests/lookup.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/table_layout.h"

namespace xdpc::plan {

// The numbers of rows are their order, from 1.
struct SortedData {
  uint32_t words = 1, word_bytes = 8;
  uint32_t count = 0;
  Bytes keys, lasts; // lasts: empty where keys are single
  uint64_t bytes() const { return keys.size() + lasts.size(); }
};

// The numbers of the runs do not matter.
SortedData makeSorted(const Runs& runs, uint32_t words, uint32_t word_bytes);
SortedTable layOut(const SortedData& data, TableLayout& layout);

} // namespace xdpc::plan
