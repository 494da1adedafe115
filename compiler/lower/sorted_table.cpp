// Searches sorted tables by halving, in straight lines: each step adds its half or nothing, by arithmetic, so that the
// verifier walks the search once, whatever is in the table.
#include "compiler/lower/lookup.h"

namespace xdpc::lower {
namespace {

class Search {
public:
  Search(Builder& b, const plan::SortedTable& table, const Words& key) : b(b), table_(table), key_(key) {}

  llvm::Value* run() {
    llvm::Value* place = b.u64(0); // of the last key that is not greater, if there is one
    for (uint32_t left = table_.keys.count; left > 1;) {
      const uint32_t half = left / 2;
      // Opaque, so that sums stay sums and no compare becomes a branch. A product, not a mask: newer verifiers walk on
      // twice behind an AND of 0 or -1.
      llvm::Value* next = b.opaque(b.CreateAdd(place, b.u64(half)));
      llvm::Value* beyond = isBelow(b, key_, wordsAt(table_.keys, next), table_.word_bytes);
      llvm::Value* step = b.opaque(b.CreateMul(b.opaque(b.CreateXor(beyond, b.u64(1))), b.u64(half)));
      place = b.opaque(b.CreateAdd(place, step));
      left -= half;
    }
    llvm::Value* outside = isBelow(b, key_, wordsAt(table_.keys, place), table_.word_bytes);
    llvm::Value* above = isBelow(b, wordsAt(table_.lasts.value_or(table_.keys), place), key_, table_.word_bytes);
    llvm::Value* inside = b.opaque(b.CreateXor(b.CreateOr(outside, above), b.u64(1)));
    return b.CreateTrunc(b.CreateMul(b.opaque(b.CreateAdd(place, b.u64(1))), inside), b.getInt32Ty());
  }

private:
  Words wordsAt(const plan::Array& rows, llvm::Value* place) {
    llvm::Value* base =
        b.at(b.at(b.map(rows.parts[0].map), rows.parts[0].offset), b.CreateMul(place, b.u64(rows.element_bytes)));
    Words words;
    for (uint32_t i = 0; i < table_.words; ++i)
      words.push_back(b.CreateZExt(b.loadAt(base, uint64_t{i} * table_.word_bytes, table_.word_bytes), b.getInt64Ty()));
    return words;
  }

  Builder& b;
  const plan::SortedTable& table_;
  const Words& key_;
};

} // namespace

llvm::Value* lowerSorted(Builder& b, const plan::SortedTable& table, const Words& key) {
  return Search(b, table, key).run();
}

} // namespace xdpc::lower
