// What lookups are expected to take, from constants that tests/bench measured. Tested by tests/lit/dump/tables.xf.
#pragma once

#include "compiler/plan/hash_table.h"
#include "compiler/plan/trie.h"

#include <string>

namespace xdpc::plan {

struct BitmapTrieData;

// Nanoseconds, at random keys that are in the set as often as not.
double costOf(const SortedData& data);
double costOf(const BitmapTrieData& data);
double costOf(const TrieData& data);
double costOf(const HashShape& shape);
double costOf(const QuotientShape& shape);
double costOfBitmap();

// Less is better: the time, and a charge for memory, which others want in the caches, too.
double score(double ns, uint64_t bytes);

// "a trie of 2 levels, 61 KB, about 9 ns".
std::string describe(const Table& table);

} // namespace xdpc::plan
