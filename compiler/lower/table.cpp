// Keys of lookups as words, and the values of maps.
#include "compiler/lower/table.h"
#include "compiler/lower/lookup.h"

namespace xdpc::lower {
namespace {

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

struct Lowering {
  Builder& b;
  const Words& key;
  Value::Kind kind;
  Wanted wanted;

  llvm::Value* operator()(const plan::SortedTable& table) { return lowerSorted(b, table, key); }
  llvm::Value* operator()(const plan::Bitmap& bitmap) { return lowerBitmap(b, bitmap, key[0]); }
  llvm::Value* operator()(const plan::BitmapTrie& trie) { return lowerBitmapTrie(b, trie, key[0]); }
  llvm::Value* operator()(const plan::HashTable& table) { return lowerHash(b, table, key, wanted); }
  llvm::Value* operator()(const plan::QuotientTable& table) { return lowerQuotient(b, table, key[0]); }
  llvm::Value* operator()(const plan::Trie& trie) {
    return lowerTrie(b, trie, kind == Value::Kind::v4 ? Words{b.CreateShl(key[0], 32)} : key);
  }
};

Wanted wantedOf(const plan::Table& table) {
  return table.value_bytes ? Wanted::number : Wanted::presence;
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

llvm::Value* lowerLookup(Builder& b, const plan::Table& table, const Value& key) {
  Words words;
  addWords(b, words, key, false);
  return std::visit(Lowering{b, words, key.kind, wantedOf(table)}, table.lookup);
}

llvm::Value* lowerTupleLookup(Builder& b, const plan::Table& table, const std::vector<Value>& key,
                              const std::vector<bool>& either) {
  Words words;
  for (size_t i = 0; i < key.size(); ++i)
    addWords(b, words, key[i], either[i]);
  return std::visit(Lowering{b, words, Value::Kind::number, wantedOf(table)}, table.lookup);
}

llvm::Value* lowerValuePointer(Builder& b, const plan::Array& values, llvm::Value* number) {
  llvm::Value* index = b.CreateSub(b.CreateZExt(number, b.getInt64Ty()), b.u64(1));
  return boundedElementAt(b, values, b.CreateAnd(b.opaque(index), b.u64(values.count - 1)));
}

ir::Domain domainOf(const Value& value) {
  switch (value.kind) {
  case Value::Kind::v4:
    return ir::Domain::v4;
  case Value::Kind::v6:
    return ir::Domain::v6;
  default:
    return ir::Domain::number;
  }
}

} // namespace xdpc::lower
