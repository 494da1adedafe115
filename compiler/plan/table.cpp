// Chooses the lookup of every constant set and map.
#include "compiler/plan/table.h"
#include "compiler/plan/box_table.h"
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

bool isSingle(const std::vector<ir::Interval>& element) {
  return std::ranges::all_of(element, [](const ir::Interval& one) { return one.low == one.high; });
}

ConstSetKind chooseKind(const ir::ConstSet& set, bool any_size) {
  const size_t count = set.elements.size();
  if (set.parts.size() > 1)
    return count <= kTuplesInPlace                       ? ConstSetKind::tuples
           : std::ranges::all_of(set.elements, isSingle) ? ConstSetKind::table
                                                         : ConstSetKind::boxes;
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

class Tabling {
public:
  Tabling(Program& program, std::optional<LookupKind> wanted, diag::Emitter& emitter)
      : program_(program), layout_(program), writer_(program, "boxes"), wanted_(wanted), emitter_(emitter) {}

  Tables tablesOf(const ir::ConstSet& set) {
    std::vector<const std::vector<ir::Interval>*> keys;
    for (const auto& element : set.elements)
      keys.push_back(&element);
    return tablesOf(keys, set.parts, nullptr, set.span);
  }

  void boxesOf(const ir::ConstSet& set, uint32_t id) {
    Boxes keys;
    for (const auto& element : set.elements)
      keys.push_back(&element);
    if (addBoxes(keys, set.parts, set.span))
      program_.const_boxes[id] = static_cast<uint32_t>(program_.boxes.size() - 1);
  }

  Tables tablesOf(const ir::Map& map, uint32_t id) {
    Boxes keys;
    for (const ir::MapEntry& entry : map.entries)
      keys.push_back(&entry.key);
    std::vector<ir::Type> parts;
    for (abi::KeyKind kind : map.key.parts)
      parts.push_back(partType(kind));
    const MapValues values(map);
    if (keys.empty())
      return {};
    if (parts.size() == 1 || std::ranges::all_of(keys, [](const auto* key) { return isSingle(*key); }))
      return tablesOf(keys, parts, &values, map.span);
    if (!addBoxes(keys, parts, map.span))
      return {};
    program_.map_boxes[id] = static_cast<uint32_t>(program_.boxes.size() - 1);
    BoxTable& made = program_.boxes.back();
    made.value_bytes = values.bytes();
    made.values = layout_.placeRounded(values.all(), values.bytes());
    made.bytes += made.values.bytes();
    return {};
  }

private:
  using Boxes = std::vector<const Box*>;

  bool addBoxes(const Boxes& keys, const std::vector<ir::Type>& parts, Span place) {
    auto made = makeBoxTable(keys, parts, place, writer_);
    if (made)
      program_.boxes.push_back(std::move(*made));
    else
      emitter_.report(diag::Id::too_many, place,
                      fmt::format("the lookup of its {} tuples would be too large", keys.size()));
    return made.has_value();
  }

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

  Program& program_;
  TableLayout layout_;
  ViewWriter writer_;
  const std::optional<LookupKind> wanted_;
  diag::Emitter& emitter_;
  bool reported_ = false;
};

} // namespace

void planTables(Program& program, std::optional<LookupKind> wanted, diag::Emitter& emitter) {
  Tabling tabling(program, wanted, emitter);
  for (const ir::ConstSet& set : program.policy->const_sets) {
    const ConstSetKind kind = chooseKind(set, wanted.has_value());
    const auto id = static_cast<ir::ConstSetId>(program.const_sets.size());
    program.const_sets.push_back(kind);
    if (kind == ConstSetKind::table)
      program.const_tables[id] = tabling.tablesOf(set);
    if (kind == ConstSetKind::boxes)
      tabling.boxesOf(set, id);
  }
  for (ir::MapId id = 0; id < program.policy->maps.size(); ++id) {
    const ir::Map& map = program.policy->maps[id];
    program.map_tables.push_back(map.used ? tabling.tablesOf(map, id) : Tables{});
  }
}

} // namespace xdpc::plan
