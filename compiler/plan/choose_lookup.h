// Chooses the lookup of the keys of one kind by the cost model, and lays its data out. Private to table.cpp. Tested by
// tests/lookup and tests/lit/dump/tables.xf.
#pragma once

#include "compiler/plan/runs.h"
#include "compiler/plan/table_layout.h"

#include <functional>
#include <optional>
#include <span>

namespace xdpc::plan {

// The values of a map's entries as bytes: in the host's order, an IPv6 address as two words, its first eight bytes
// first.
class MapValues {
public:
  explicit MapValues(const ir::Map& map);

  uint32_t bytes() const { return bytes_; }
  // Of the entry, from 1.
  std::span<const uint8_t> of(uint32_t number) const {
    return std::span(values_).subspan((number - 1) * size_t{bytes_}, bytes_);
  }
  const Bytes& all() const { return values_; }                               // of the entries, in their order
  uint32_t distinct(uint32_t number) const { return distinct_[number - 1]; } // the number of its value, from 1
  Bytes distinctValues() const;
  // Of values of 4 bytes; the largest of others is beyond all numbers.
  uint64_t largest() const;
  uint32_t number(uint32_t entry) const; // the value

private:
  uint32_t bytes_ = 0;
  Bytes values_;
  std::vector<uint32_t> distinct_, firsts_;
};

struct KeyShape {
  ir::Domain domain = ir::Domain::number;
  unsigned bits = 0; // of a number; 0: up to 64
};

// `values`: of a map, else null. `wanted`: taken where it fits. Nothing where no lookup holds so many.
std::optional<Table> chooseLookup(const Runs& runs, KeyShape key, const MapValues* values,
                                  std::optional<LookupKind> wanted, TableLayout& layout);

// Keys of several parts, as words.
class TupleRows {
public:
  explicit TupleRows(const std::vector<ir::Type>& parts) : parts_(parts) {}
  void add(const std::vector<ir::Interval>& element); // single values

  std::vector<uint64_t> words;
  uint32_t count = 0;

private:
  const std::vector<ir::Type>& parts_;
};
Table layOutTuples(const TupleRows& rows, const MapValues* values, TableLayout& layout);

} // namespace xdpc::plan
