// The exact part of a set: a table whose elements programs read, add and remove at the same time.
#pragma once

#include "runtime/sets/sets.h"
#include "runtime/tables/table.h"

namespace xdpc::sets {

class ExactPart {
public:
  static Result<ExactPart, SetError> open(const engine::Maps& maps, const abi::Manifest& manifest, const abi::Set& set);

  // An element of this key lies in the exact part.
  static bool takes(const abi::Set& set, const abi::KeyValue& key);

  std::optional<uint64_t> expiry(const abi::KeyValue& key) const;
  // Hits are added to those that are there. False if all places that it could have are taken by elements that are live.
  bool put(const Element& element, tables::Merge how, uint64_t now_ns);
  // Of the elements in the places that the key could have, the one that ends first goes. False if none has an end.
  bool evictFor(const abi::KeyValue& key, uint64_t now_ns) {
    return table_.evictFor(key, tables::Rest::ofSet(now_ns), abi::kEternal - now_ns);
  }
  // False if it was not there.
  bool erase(const abi::KeyValue& key) { return table_.erase(key); }
  // All elements, dead ones too.
  std::vector<Element> elements() const;
  size_t count() const { return table_.count(); } // dead ones too
  size_t countLive(uint64_t now_ns) const { return table_.count(tables::Rest::ofSet(now_ns)); }
  // Number of elements taken out.
  size_t eraseDead(uint64_t now_ns) { return table_.eraseResting(tables::Rest::ofSet(now_ns)); }
  void clear() { table_.clear(); }

private:
  explicit ExactPart(tables::Table table) : table_(std::move(table)) {}
  tables::Table table_;
};

} // namespace xdpc::sets
