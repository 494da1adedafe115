// Makes the data of a Trie (lookup.h). Tested by tests/lookup.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/sorted_table.h"
#include "compiler/plan/table_layout.h"

#include <optional>

namespace xdpc::plan {

struct TrieData {
  struct Level {
    bool ranked = false;
    uint32_t nodes = 0;
    Bytes marks, entries;         // marks: of ranked levels
    uint64_t ends = 0, lists = 0; // runs that end in an entry, and in a list behind one
    uint64_t bytes() const { return marks.size() + entries.size(); }
  };
  unsigned root_bits = 16;
  std::vector<Level> levels;
  struct Lists {
    Trie::ListForm form;
    Bytes bytes;
  };
  std::vector<Lists> forms;
  std::optional<SortedData> low;
  Bytes low_numbers;

  uint64_t bytes() const;
};

// Runs of 32-bit or of 128-bit keys.
TrieData makeTrie(const Runs& runs, ir::Domain domain);
Trie layOut(const TrieData& data, TableLayout& layout);

} // namespace xdpc::plan
