// The cost model: loads by the size of what they read from, and what a step computes.
#include "compiler/plan/lookup_cost.h"
#include "compiler/plan/bitmap_trie.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace xdpc::plan {
namespace {

// A load that others wait for, from tables of so many bytes: L1, L2, and beyond.
double load(uint64_t bytes) {
  if (bytes <= 32 << 10)
    return 1.4;
  if (bytes <= 1 << 20)
    return 4;
  return std::min(60.0, 4 + 10 * std::log2(static_cast<double>(bytes) / (1 << 20)));
}

constexpr double kCall = 1;      // of the function
constexpr double kHalving = 2.2; // a step's arithmetic in a word, beside its load
constexpr double kCount = 3.5;   // of a word's bits
constexpr double kChoice = 1.5;  // a branch on what was read: mispredicted now and then
constexpr double kBounds = 5;    // compares of a list
constexpr double kCompare = 1;   // a slot
constexpr double kHash = 3;

} // namespace

double costOf(const SortedData& data) {
  double ns = kCall;
  uint64_t bytes = uint64_t{64} << std::bit_width(data.count);
  // The first steps of all searches read the same few rows.
  for (uint64_t left = data.count, read = 64; left > 0; left /= 2, read *= 2)
    ns += kHalving * data.words + load(std::min({read, bytes, data.bytes()}));
  return ns;
}

double costOf(const BitmapTrieData& data) {
  const double shallow = kCall + 1 + load(data.root.size()) + load(data.nodes.size());
  if (!data.deep)
    return shallow;
  return shallow + kChoice +
         0.5 * (kCount + load(data.bases.size()) + load(data.children.size()) + load(data.leaves.size()));
}

double costOf(const TrieData& data) {
  double ns = 0, runs = 0, way = kCall;
  uint64_t lists = 0;
  for (const TrieData::Lists& form : data.forms)
    lists += form.bytes.size();
  for (const TrieData::Level& level : data.levels) {
    way += kChoice + load(level.entries.size()) + (level.ranked ? kCount + load(level.marks.size()) : 0);
    ns += static_cast<double>(level.ends) * way +
          static_cast<double>(level.lists) * (way + kChoice + kBounds + load(lists));
    runs += static_cast<double>(level.ends + level.lists);
  }
  if (data.low)
    ns += static_cast<double>(data.low->count) * costOf(*data.low);
  return ns / runs;
}

double costOf(const HashShape& shape) {
  // Both buckets are read at once.
  return kCall + kHash * shape.words + load(shape.bytes()) + 2 * kCompare * shape.slots * shape.words;
}

double costOf(const QuotientShape& shape) {
  return kCall + kHash + load(shape.bytes()) + kCompare * shape.slots;
}

double costOfBitmap() {
  return kCall + load(8192);
}

double score(double ns, uint64_t bytes) {
  return ns + static_cast<double>(bytes) / (64 << 10);
}

namespace {

std::string kindOf(const SortedTable&) {
  return "a sorted table";
}
std::string kindOf(const Bitmap&) {
  return "a bitmap";
}
std::string kindOf(const BitmapTrie& trie) {
  return fmt::format("a bitmap trie of {} levels", trie.deep ? 3 : 2);
}
std::string kindOf(const HashTable&) {
  return "a hash";
}
std::string kindOf(const QuotientTable&) {
  return "a quotient hash";
}
std::string kindOf(const Trie& trie) {
  return fmt::format("a trie of {} level{}", trie.levels.size(), trie.levels.size() == 1 ? "" : "s");
}

std::string sizeOf(uint64_t bytes) {
  if (bytes < 10'000)
    return fmt::format("{} bytes", bytes);
  if (bytes < 10'000'000)
    return fmt::format("{} KB", (bytes + 500) / 1000);
  return fmt::format("{} MB", (bytes + 500'000) / 1'000'000);
}

} // namespace

std::string describe(const Table& table) {
  const std::string kind = std::visit([](const auto& lookup) { return kindOf(lookup); }, table.lookup);
  return fmt::format("{}, {}, about {:.0f} ns", kind, sizeOf(table.bytes), table.ns);
}

} // namespace xdpc::plan
