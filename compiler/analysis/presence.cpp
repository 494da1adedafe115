// See presence.h.
#include "compiler/analysis/presence.h"

#include <algorithm>

namespace xdpc::analysis {

Presence::Presence(const ir::Policy& policy) : policy_(policy) {
  for (ir::HeaderId header = 0; header < policy.headers.size(); ++header)
    plain_.push_back(findPlain(header));
  reaches_.assign(policy.headers.size(), std::vector<bool>(policy.headers.size()));
  for (ir::HeaderId header = 0; header < policy.headers.size(); ++header)
    reach(header, header);
}

std::vector<ir::HeaderId> Presence::findPlain(ir::HeaderId header) const {
  std::vector<ir::HeaderId> all;
  for (ir::HeaderId one : policy_.headers[header].alternatives)
    for (ir::HeaderId inner : findPlain(one))
      all.push_back(inner);
  return all.empty() ? std::vector{header} : all;
}

void Presence::reach(ir::HeaderId from, ir::HeaderId header) {
  // An extension header selects in the table of the header that it extends.
  const ir::Header& here = policy_.headers[header];
  if (here.kind == ir::HeaderKind::tunnel)
    return; // a new packet, whose headers have names of their own
  for (ir::HeaderId table : {header, here.extension_of.value_or(header)})
    for (const ir::PayloadBy& payload : policy_.headers[table].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        for (ir::HeaderId next : plain(entry.next))
          if (!entry.tunnel && !reaches_[from][next]) {
            reaches_[from][next] = true;
            reach(from, next);
          }
}

namespace {

uint64_t both(uint32_t one, uint32_t other) {
  return uint64_t{one} << 32 | other;
}

} // namespace

bool Presence::exclude(ir::HeaderId one, ir::HeaderId other) const {
  const auto [known, fresh] = excludes_.try_emplace(both(one, other));
  if (fresh)
    known->second = findExclude(one, other);
  return known->second;
}

bool Presence::implies(ir::HeaderId one, ir::HeaderId other) const {
  const auto [known, fresh] = implies_.try_emplace(both(one, other));
  if (fresh)
    known->second = findImplies(one, other);
  return known->second;
}

const std::optional<ir::Intervals>& Presence::selecting(const ir::Expr& field, ir::HeaderId next) const {
  const auto [known, fresh] = selecting_.try_emplace({both(field.header, field.field), next});
  if (fresh)
    known->second = findSelecting(field, next);
  return known->second;
}

bool Presence::findExclude(ir::HeaderId one, ir::HeaderId other) const {
  const auto declared = [&](ir::HeaderId id) { return policy_.headers[id].name.find('.') == std::string::npos; };
  if (!declared(one) || !declared(other)) // `vxlan.inner.tcp` is another packet's
    return false;
  for (ir::HeaderId a : plain(one))
    for (ir::HeaderId b : plain(other))
      if (a == b || reaches_[a][b] || reaches_[b][a])
        return false;
  return true;
}

bool Presence::findImplies(ir::HeaderId one, ir::HeaderId other) const {
  const auto& wider = plain(other);
  return one == other ||
         std::ranges::all_of(plain(one), [&](ir::HeaderId id) { return std::ranges::count(wider, id) > 0; });
}

bool Presence::canOccur(ir::HeaderId header) const {
  return std::ranges::any_of(plain(header), [&](ir::HeaderId one) {
    const ir::Header& here = policy_.headers[one];
    const bool told = here.packet == 0 && (here.kind == ir::HeaderKind::plain || here.kind == ir::HeaderKind::tunnel);
    return one == 0 || !told || reaches_[0][one];
  });
}

bool Presence::canFollow(ir::HeaderId ip, ir::HeaderId next) const {
  return reaches_[ip][next];
}

// The field that chooses what follows where this one says it: itself, or that of a chain of extension headers, whose
// last number is the derived field.
std::optional<ir::FieldId> Presence::chooser(ir::HeaderId header, ir::FieldId field) const {
  const ir::Header& here = policy_.headers[header];
  const bool chain = std::ranges::any_of(policy_.headers, [&](const ir::Header& one) {
    return one.kind == ir::HeaderKind::extension && one.extension_of == header;
  });
  const auto& derived = here.fields[field].derived;
  const bool last = derived && derived->kind == ir::ExprKind::LastProtocol;
  for (const ir::PayloadBy& payload : here.payload)
    if (payload.by && (chain ? last : payload.by == field))
      return payload.by;
  return {};
}

std::optional<Presence::Choosers> Presence::choosers(const ir::Expr& field) const {
  const ir::Header& header = policy_.headers[field.header];
  if (header.packet != 0)
    return {};
  const auto& same = header.fields[field.field].alternatives;
  const auto& headers = plain(field.header);
  if (!header.alternatives.empty() && same.size() != headers.size())
    return {};
  Choosers choosers;
  for (size_t i = 0; i < headers.size(); ++i) {
    const auto by = chooser(headers[i], same.empty() ? field.field : same[i]);
    if (!by)
      return {};
    choosers[headers[i]] = *by;
  }
  return choosers;
}

std::optional<ir::Intervals> Presence::findSelecting(const ir::Expr& field, ir::HeaderId next) const {
  const auto tables = choosers(field);
  if (!tables || policy_.headers[next].packet != 0)
    return {};
  const auto& alternatives = plain(next);
  std::set<ir::HeaderId> wanted(alternatives.begin(), alternatives.end());
  ir::Intervals numbers;
  for (size_t before = 0; before != wanted.size();) { // until nothing new leads there
    before = wanted.size();
    numbers.clear();
    for (ir::HeaderId id = 0; id < policy_.headers.size(); ++id)
      if (!collect(*tables, id, wanted, numbers))
        return {};
  }
  return numbers.empty() ? std::nullopt : std::optional(std::move(numbers));
}

// Numbers in the header's tables that lead to one of `wanted`. A header between the tables and these is wanted, too.
bool Presence::collect(const Choosers& tables, ir::HeaderId header, std::set<ir::HeaderId>& wanted,
                       ir::Intervals& numbers) const {
  const auto any = [&](auto&& test) { return std::ranges::any_of(tables, test); };
  const auto chosen = tables.find(header);
  for (const ir::PayloadBy& payload : policy_.headers[header].payload)
    for (const ir::PayloadEntry& entry : payload.entries) {
      if (entry.tunnel || !wanted.contains(entry.next))
        continue;
      if (chosen != tables.end() && payload.by == chosen->second)
        numbers.push_back({ir::Domain::number, entry.value, entry.value});
      else if (chosen == tables.end() && any([&](const auto& table) { return reaches_[table.first][header]; }))
        wanted.insert(header);
      else if (any([&](const auto& table) { return !exclude(header, table.first); }))
        return false; // another way
    }
  return true;
}

std::optional<ir::HeaderId> headerByName(const ir::Policy& policy, const char* name) {
  for (ir::HeaderId id = 0; id < policy.headers.size(); ++id)
    if (policy.headers[id].name == name)
      return id;
  return {};
}

} // namespace xdpc::analysis
