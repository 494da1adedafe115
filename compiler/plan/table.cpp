// Chooses the lookup of every constant set and map.
#include "compiler/plan/table.h"
#include "compiler/plan/choose_lookup.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::plan {
namespace {

// Beyond this many intervals the tree is a function: copies in every leaf of the parser would cost more than the call.
constexpr size_t kInlineIntervals = 16;
// Beyond this many it is a table: a tree is code, which the kernel verifies, and a table is none.
constexpr size_t kTreeIntervals = 128;
constexpr size_t kTuplesInPlace = 16;
// Tuples with ranges or prefixes in them have no order to search by.
constexpr size_t kMaxTuplesInTurn = 256;

bool isSingle(const std::vector<ir::Interval>& element) {
  return std::ranges::all_of(element, [](const ir::Interval& one) { return one.low == one.high; });
}

ConstSetKind chooseKind(const ir::ConstSet& set, bool any_size) {
  const size_t count = set.elements.size();
  if (set.parts.size() > 1)
    return count > kTuplesInPlace && std::ranges::all_of(set.elements, isSingle) ? ConstSetKind::table
                                                                                 : ConstSetKind::tuples;
  if (count > kTreeIntervals || any_size)
    return ConstSetKind::table;
  return count <= kInlineIntervals ? ConstSetKind::compares : ConstSetKind::function;
}

// What a part of a map's key is, as far as its words go.
ir::Type partType(abi::KeyKind kind) {
  switch (kind) {
  case abi::KeyKind::Ip:
  case abi::KeyKind::IpPrefix:
    return {ir::TypeKind::Ip};
  case abi::KeyKind::Ipv4:
  case abi::KeyKind::Ipv4Prefix:
    return {ir::TypeKind::Ipv4};
  case abi::KeyKind::Ipv6:
  case abi::KeyKind::Ipv6Prefix:
    return {ir::TypeKind::Ipv6};
  case abi::KeyKind::Mac:
    return {ir::TypeKind::Mac};
  case abi::KeyKind::U64:
    return {ir::TypeKind::Int, 64};
  default:
    return {ir::TypeKind::Int, 32};
  }
}

void boundTuples(const ir::ConstSet& set, diag::Emitter& emitter) {
  if (set.elements.size() <= kMaxTuplesInTurn)
    return;
  emitter
      .report(diag::Id::too_many, set.span,
              fmt::format("tuples with ranges or prefixes in them are compared in turn: there are {}, the bound is {}",
                          set.elements.size(), kMaxTuplesInTurn))
      .help = "a `set` of tuples holds more; one of its parts can be a prefix";
}

class Tabling {
public:
  Tabling(Program& program, std::optional<LookupKind> wanted, diag::Emitter& emitter)
      : layout_(program), wanted_(wanted), emitter_(emitter) {}

  Tables tablesOf(const ir::ConstSet& set) {
    std::vector<const std::vector<ir::Interval>*> keys;
    for (const auto& element : set.elements)
      keys.push_back(&element);
    return tablesOf(keys, set.parts, nullptr, set.span);
  }

  Tables tablesOf(const ir::Map& map) {
    std::vector<const std::vector<ir::Interval>*> keys;
    for (const ir::MapEntry& entry : map.entries)
      keys.push_back(&entry.key);
    std::vector<ir::Type> parts;
    for (abi::KeyKind kind : map.key.parts)
      parts.push_back(partType(kind));
    const MapValues values(map);
    return keys.empty() ? Tables{} : tablesOf(keys, parts, &values, map.span);
  }

private:
  // Entries are numbered from 1, and a run has the number of its entry.
  Tables tablesOf(const std::vector<const std::vector<ir::Interval>*>& keys, const std::vector<ir::Type>& parts,
                  const MapValues* values, Span place) {
    Tables tables;
    if (parts.size() > 1) {
      TupleRows rows(parts);
      for (const auto* key : keys)
        rows.add(*key);
      tables.tuples = layOutTuples(rows, values, layout_);
      return checked(std::move(tables), keys.size(), place);
    }
    for (ir::Domain domain : {ir::Domain::number, ir::Domain::v4, ir::Domain::v6}) {
      Runs runs;
      for (size_t i = 0; i < keys.size(); ++i)
        if (const ir::Interval& key = keys[i]->front(); key.domain == domain)
          runs.push_back({key.low, key.high, static_cast<uint32_t>(i + 1)});
      if (runs.empty())
        continue;
      tableOf(tables, domain) = chooseLookup(runs, {domain, parts[0].bits}, values, wanted_, layout_);
      if (!tableOf(tables, domain))
        return report(runs.size(), place);
    }
    return checked(std::move(tables), keys.size(), place);
  }

  static std::optional<Table>& tableOf(Tables& tables, ir::Domain domain) {
    return domain == ir::Domain::number ? tables.number : domain == ir::Domain::v4 ? tables.v4 : tables.v6;
  }

  Tables checked(Tables tables, size_t count, Span place) {
    return layout_.exceeded() ? report(count, place) : std::move(tables);
  }

  Tables report(size_t count, Span place) {
    if (!std::exchange(reported_, true))
      emitter_.report(diag::Id::too_many, place,
                      fmt::format("the lookup of its {} intervals needs more maps than a program can have", count));
    return {};
  }

  TableLayout layout_;
  const std::optional<LookupKind> wanted_;
  diag::Emitter& emitter_;
  bool reported_ = false;
};

} // namespace

void planTables(Program& program, std::optional<LookupKind> wanted, diag::Emitter& emitter) {
  Tabling tabling(program, wanted, emitter);
  for (const ir::ConstSet& set : program.policy->const_sets) {
    const ConstSetKind kind = chooseKind(set, wanted.has_value());
    if (kind == ConstSetKind::tuples)
      boundTuples(set, emitter);
    program.const_sets.push_back(kind);
    if (kind == ConstSetKind::table)
      program.const_tables[static_cast<ir::ConstSetId>(program.const_sets.size() - 1)] = tabling.tablesOf(set);
  }
  for (const ir::Map& map : program.policy->maps)
    program.map_tables.push_back(map.used ? tabling.tablesOf(map) : Tables{});
}

} // namespace xdpc::plan
