// Makes the data of a BitmapTrie (lookup.h). Tested by tests/lookup.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/table_layout.h"

#include <optional>

namespace xdpc::plan {

struct BitmapTrieData {
  bool deep = false;
  Bytes root, nodes, bases, children, leaves;
  uint32_t child_bytes = 2;

  uint64_t bytes() const { return root.size() + nodes.size() + bases.size() + children.size() + leaves.size(); }
};

// Of runs of 32-bit keys, whose numbers do not matter.
BitmapTrieData makeBitmapTrie(const Runs& runs);

BitmapTrie layOut(const BitmapTrieData& data, TableLayout& layout);

} // namespace xdpc::plan
