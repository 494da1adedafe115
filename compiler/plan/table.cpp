// Chooses lookups, and makes the rows of tables.
#include "compiler/plan/table.h"
#include "compiler/plan/table_layout.h"

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

using Elements = std::vector<std::vector<ir::Interval>>;
constexpr ir::Domain kDomains[] = {ir::Domain::number, ir::Domain::v4, ir::Domain::v6};

bool isSingle(const std::vector<ir::Interval>& element) {
  return std::ranges::all_of(element, [](const ir::Interval& one) { return one.low == one.high; });
}

ConstSetKind chooseLookup(const ir::ConstSet& set) {
  const size_t count = set.elements.size();
  if (set.parts.size() > 1)
    return count > kTuplesInPlace && std::ranges::all_of(set.elements, isSingle) ? ConstSetKind::table
                                                                                 : ConstSetKind::tuples;
  if (count > kTreeIntervals)
    return ConstSetKind::table;
  return count <= kInlineIntervals ? ConstSetKind::compares : ConstSetKind::function;
}

// The words of one value: an address of `ip` begins with its family, so that all have the same number.
void addWords(std::vector<uint64_t>& key, ir::Domain domain, ir::u128 value, bool either_family) {
  if (either_family)
    key.push_back(domain == ir::Domain::v4 ? 4 : 6);
  if (either_family || domain == ir::Domain::v6)
    key.push_back(static_cast<uint64_t>(value >> 64));
  key.push_back(static_cast<uint64_t>(value));
}

std::vector<Row> rowsOf(const Elements& elements, ir::Domain domain) {
  std::vector<Row> rows;
  for (const auto& element : elements) {
    if (element[0].domain != domain)
      continue;
    Row& row = rows.emplace_back();
    addWords(row.key, domain, element[0].low, false);
    addWords(row.last, domain, element[0].high, false);
  }
  return rows;
}

std::vector<Row> tupleRows(const Elements& elements, const std::vector<ir::Type>& parts) {
  std::vector<Row> rows;
  for (const auto& element : elements) {
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < parts.size(); ++i)
      addWords(row.key, element[i].domain, element[i].low, parts[i].kind == ir::TypeKind::Ip);
  }
  return rows;
}

unsigned wordBytes(const ir::Type& type, ir::Domain domain) {
  const bool narrow = type.kind == ir::TypeKind::Int && type.bits <= 32;
  return domain == ir::Domain::v4 || narrow ? 4 : 8;
}

std::optional<Table>& tableOf(Tables& tables, ir::Domain domain) {
  return domain == ir::Domain::number ? tables.number : domain == ir::Domain::v4 ? tables.v4 : tables.v6;
}

Tables tablesOf(const ir::ConstSet& set, TableLayout& layout) {
  Tables tables;
  if (set.parts.size() > 1) {
    std::vector<Row> rows = tupleRows(set.elements, set.parts);
    std::ranges::sort(rows, {}, &Row::key);
    const auto doubles = std::ranges::unique(rows, {}, &Row::key);
    rows.erase(doubles.begin(), doubles.end());
    tables.tuples = layout.add(rows, {}, set.span);
    return tables;
  }
  for (ir::Domain domain : kDomains)
    if (const auto rows = rowsOf(set.elements, domain); !rows.empty())
      tableOf(tables, domain) =
          layout.add(rows, {.word_bytes = wordBytes(set.parts[0], domain), .ranges = true}, set.span);
  return tables;
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

RowShape shapeOf(const ir::Type& value) {
  switch (value.kind) {
  case ir::TypeKind::Ipv4:
    return {.value_bytes = 4, .addresses = true};
  case ir::TypeKind::Ipv6:
    return {.value_bytes = 16, .addresses = true};
  case ir::TypeKind::Mac:
    return {.value_bytes = 8};
  default:
    return {.value_bytes = value.bits <= 32 ? 4u : 8u};
  }
}

Tables tablesOf(const ir::Map& map, TableLayout& layout) {
  Tables tables;
  Elements elements;
  for (const ir::MapEntry& entry : map.entries)
    elements.push_back(entry.key);
  if (elements.empty())
    return tables;
  std::vector<ir::Type> parts;
  for (abi::KeyKind kind : map.key.parts)
    parts.push_back(partType(kind));
  RowShape shape = shapeOf(map.value);
  if (parts.size() > 1) {
    std::vector<Row> rows = tupleRows(elements, parts);
    for (size_t i = 0; i < rows.size(); ++i)
      rows[i].value = &map.entries[i];
    std::ranges::sort(rows, {}, &Row::key);
    tables.tuples = layout.add(rows, shape, map.span);
    return tables;
  }
  shape.ranges = true;
  size_t next = 0; // entries are sorted by domain, as kDomains is
  for (ir::Domain domain : kDomains) {
    std::vector<Row> rows = rowsOf(elements, domain);
    for (Row& row : rows)
      row.value = &map.entries[next++];
    shape.word_bytes = wordBytes(parts[0], domain);
    if (!rows.empty())
      tableOf(tables, domain) = layout.add(rows, shape, map.span);
  }
  return tables;
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

} // namespace

void planTables(Program& program, diag::Emitter& emitter) {
  TableLayout layout(program, emitter);
  for (const ir::ConstSet& set : program.policy->const_sets) {
    const ConstSetKind kind = chooseLookup(set);
    if (kind == ConstSetKind::tuples)
      boundTuples(set, emitter);
    program.const_sets.push_back(kind);
    program.const_tables.push_back(kind == ConstSetKind::table ? tablesOf(set, layout) : Tables{});
  }
  for (const ir::Map& map : program.policy->maps)
    program.map_tables.push_back(map.used ? tablesOf(map, layout) : Tables{});
}

} // namespace xdpc::plan
