// Searches by halving, in straight lines: each step adds its half or nothing, by arithmetic.
#include "compiler/lower/table.h"

#include <bit>

namespace xdpc::lower {
namespace {

using Words = llvm::SmallVector<llvm::Value*>; // i64, the most significant first

class Search {
public:
  Search(Builder& b, const plan::Table& table, Words key) : b(b), table_(table), key_(std::move(key)) {}

  llvm::Value* run() {
    llvm::Value* place = b.u64(0); // of the last key that is not greater, if there is one
    for (uint32_t left = table_.count; left > 1;) {
      const uint32_t half = left / 2;
      // Opaque, so that sums stay sums and no compare becomes a branch. A product, not a mask: newer verifiers walk on
      // twice behind an AND of 0 or -1.
      llvm::Value* next = b.opaque(b.CreateAdd(place, b.u64(half)));
      llvm::Value* beyond = isBelow(key_, wordsAt(table_.keys, next));
      llvm::Value* step = b.opaque(b.CreateMul(b.opaque(b.CreateXor(beyond, b.u64(1))), b.u64(half)));
      place = b.opaque(b.CreateAdd(place, step));
      left -= half;
    }
    llvm::Value* outside = isBelow(key_, wordsAt(table_.keys, place));
    llvm::Value* above = isBelow(wordsAt(table_.lasts.value_or(table_.keys), place), key_);
    llvm::Value* inside = b.opaque(b.CreateXor(b.CreateOr(outside, above), b.u64(1)));
    return b.CreateTrunc(b.CreateMul(b.opaque(b.CreateAdd(place, b.u64(1))), inside), b.getInt32Ty());
  }

private:
  Words wordsAt(uint32_t row, llvm::Value* place) {
    const uint64_t entry_bytes = uint64_t{table_.words} * table_.word_bytes;
    llvm::Value* base = b.at(b.at(b.map(table_.map), row), b.CreateMul(place, b.u64(entry_bytes)));
    Words words;
    for (uint32_t i = 0; i < table_.words; ++i)
      words.push_back(b.CreateZExt(b.loadAt(base, uint64_t{i} * table_.word_bytes, table_.word_bytes), b.getInt64Ty()));
    return words;
  }

  // 1 if left < right, else 0: the borrow of their difference.
  llvm::Value* isBelow(const Words& left, const Words& right) {
    if (table_.words == 1 && table_.word_bytes == 4)
      return b.isLess(left[0], right[0]);
    llvm::Value* borrow = b.u64(0);
    for (size_t i = left.size(); i-- > 0;) {
      llvm::Value* difference = b.CreateSub(b.CreateSub(left[i], right[i]), borrow);
      llvm::Value* not_left = b.CreateNot(left[i]);
      llvm::Value* bits =
          b.CreateOr(b.CreateAnd(not_left, right[i]), b.CreateAnd(b.CreateOr(not_left, right[i]), difference));
      borrow = b.CreateLShr(b.opaque(bits), 63);
    }
    return borrow;
  }

  Builder& b;
  const plan::Table& table_;
  Words key_;
};

void addWords(Builder& b, Words& words, const Value& value, bool either) {
  const bool v4 = value.kind == Value::Kind::v4;
  if (either) {
    words.push_back(b.u64(v4 ? 4 : 6));
    if (v4)
      words.push_back(b.u64(0));
  }
  if (value.kind == Value::Kind::v6)
    words.push_back(value.high);
  words.push_back(b.CreateZExt(value.low, b.getInt64Ty()));
}

} // namespace

const std::optional<plan::Table>& tableFor(const plan::Tables& tables, Value::Kind kind) {
  switch (kind) {
  case Value::Kind::v4:
    return tables.v4;
  case Value::Kind::v6:
    return tables.v6;
  default:
    return tables.number;
  }
}

llvm::Value* lowerSearch(Builder& b, const plan::Table& table, const Value& key) {
  Words words;
  addWords(b, words, key, false);
  return Search(b, table, std::move(words)).run();
}

llvm::Value* lowerTupleSearch(Builder& b, const plan::Table& table, const std::vector<Value>& key,
                              const std::vector<bool>& either) {
  Words words;
  for (size_t i = 0; i < key.size(); ++i)
    addWords(b, words, key[i], either[i]);
  return Search(b, table, std::move(words)).run();
}

llvm::Value* lowerEntryPointer(Builder& b, const plan::Table& table, llvm::Value* number) {
  const uint64_t mask = std::bit_ceil(table.count) - 1;
  llvm::Value* index = b.CreateSub(b.CreateZExt(number, b.getInt64Ty()), b.u64(1));
  llvm::Value* place = b.opaque(b.CreateAnd(b.opaque(index), b.u64(mask)));
  return b.at(b.at(b.map(table.map), table.values), b.CreateMul(place, b.u64(table.value_bytes)));
}

} // namespace xdpc::lower
