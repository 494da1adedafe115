// The graph of headers: payload clauses, extensions of a header, and what follows from them. Tested by
// tests/unit/sema/header_test.cpp.
#include "compiler/sema/header_graph.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"
#include "compiler/sema/header_part.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <span>

namespace xdpc::sema {

namespace {

// A number of bytes, with its bounds.
std::optional<Value> checkSize(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  Value value = checkExpr({scope, id}, expr);
  if (!value.ok)
    return std::nullopt;
  if (category(value.expr.type) != Category::number || !value.needs.empty()) {
    scope.emitter.report(diag::Id::bad_header, expr.span, "a size is a number made of the header's own fields");
    return std::nullopt;
  }
  return value;
}

void setSize(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  auto value = checkSize(scope, id, expr);
  if (!value)
    return;
  ir::Header& header = scope.policy.headers[id];
  const auto bound = [](Wide bytes) { return static_cast<uint64_t>(std::clamp<Wide>(bytes, 0, UINT32_MAX)); };
  if (value->high < static_cast<Wide>(std::max(1u, header.min_size)))
    scope.emitter.report(diag::Id::header_size, expr.span,
                         fmt::format("the size of `{}` is at most {}, its fields have {} bytes", header.name,
                                     bound(value->high), header.min_size));
  header.size = std::move(value->expr);
  boundParts(scope, id, expr.span);
}

std::optional<ir::Expr> checkWhen(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  Value value = checkCondition({scope, id}, expr);
  return value.ok ? std::optional(std::move(value.expr)) : std::nullopt;
}

bool isIp(const Scope& scope, ir::HeaderId id) {
  const Symbol* ip = lookUp(scope, "ip");
  return ip && ip->kind == SymbolKind::Header && std::ranges::count(scope.policy.headers[ip->index].alternatives, id);
}

// A tunnel header starts a new packet, and so does IP in IP.
ir::PayloadEntry entryTo(const Scope& scope, ir::HeaderId id, uint64_t value, ir::HeaderId next, Span span) {
  const bool tunnel = scope.policy.headers[id].kind == ir::HeaderKind::tunnel || (isIp(scope, id) && isIp(scope, next));
  return {.value = value, .next = next, .tunnel = tunnel, .span = span};
}

// Whether the clause stands under the very condition.
bool isUnder(const ir::PayloadBy& clause, const ir::Expr& condition) {
  return clause.when && clause.when->span.file == condition.span.file &&
         clause.when->span.begin == condition.span.begin;
}

// Whether an entry of the value is ever looked at: an error if an earlier one takes it.
bool reached(Scope& scope, ir::HeaderId id, const ir::PayloadBy& made, Span span, uint64_t value) {
  const ir::Header& header = scope.policy.headers[id];
  const auto overlaps = [&](const ir::PayloadBy& before) {
    const auto entry = std::ranges::find(before.entries, value, &ir::PayloadEntry::value);
    if (entry == before.entries.end())
      return false;
    diag::Diagnostic& error =
        scope.emitter.report(diag::Id::header_overlap, span,
                             fmt::format("{} leads to `{}` already", value, scope.policy.headers[entry->next].name));
    error.label = fmt::format("this entry of `{}` is never reached", header.name);
    if (entry->span.file)
      error.notes.push_back({entry->span, "the first one is here"});
    return true;
  };
  if (overlaps(made))
    return false;
  return std::ranges::none_of(header.payload, [&](const ir::PayloadBy& before) {
    return before.by == made.by && (!before.when || isUnder(made, *before.when)) && overlaps(before);
  });
}

void standsForSeveral(Scope& scope, const ast::Name& name) {
  scope.emitter.report(diag::Id::bad_header, name.span, fmt::format("`{}` stands for several headers", name.text));
}

void addEntry(Scope& scope, ir::HeaderId id, ir::PayloadBy& made, const ast::Expr& entry) {
  if (entry.kind != ast::ExprKind::Pair || entry.args.size() != 2 || entry.args[1].kind != ast::ExprKind::Name) {
    scope.emitter.report(diag::Id::bad_header, entry.span, "an entry of `payload` is `number => header`");
    return;
  }
  const Wide high = scope.headers[id].field_high[*made.by];
  const auto value = checkConstantNumber({scope, {}}, entry.args[0], 0, high, "the entry");
  const Symbol* next = resolve(scope, ast::nameOf(entry.args[1]), SymbolKind::Header);
  if (!value || !next)
    return;
  if (scope.policy.headers[next->index].kind == ir::HeaderKind::alternatives)
    return standsForSeveral(scope, ast::nameOf(entry.args[1]));
  if (!reached(scope, id, made, entry.span, static_cast<uint64_t>(*value)))
    return;
  made.entries.push_back(entryTo(scope, id, static_cast<uint64_t>(*value), next->index, entry.span));
}

// What `extend` adds stands under the condition of the header's own clause for the field, or of its only clause: no
// transport header is in a later fragment, whoever declares it.
std::optional<ir::Expr> ownCondition(std::span<const ir::PayloadBy> own, std::optional<ir::FieldId> by) {
  const auto same = std::ranges::find(own, by, &ir::PayloadBy::by);
  if (by && same != own.end())
    return same->when;
  return own.size() == 1 ? own.front().when : std::nullopt;
}

// Sets the condition of a clause. False where it is wrong.
bool setWhen(Scope& scope, ir::HeaderId id, const ast::PayloadBy& payload, size_t own, ir::PayloadBy& made) {
  made.when = ownCondition({scope.policy.headers[id].payload.data(), own}, made.by);
  if (!payload.when)
    return true;
  auto when = checkWhen(scope, id, *payload.when);
  if (!when || !made.when) {
    made.when = std::move(when);
    return made.when.has_value();
  }
  ir::Expr both{.kind = ir::ExprKind::And, .type = {ir::TypeKind::Bool}, .span = when->span};
  both.args.push_back(std::move(*made.when));
  both.args.push_back(std::move(*when));
  made.when = std::move(both);
  return true;
}

void addSingle(Scope& scope, ir::HeaderId id, const ast::PayloadBy& payload, size_t own) {
  const Symbol* next = resolve(scope, *payload.single, SymbolKind::Header);
  if (!next)
    return;
  if (scope.policy.headers[next->index].kind == ir::HeaderKind::alternatives)
    return standsForSeveral(scope, *payload.single);
  ir::PayloadBy made;
  if (!setWhen(scope, id, payload, own, made))
    return;
  made.entries.push_back(entryTo(scope, id, 0, next->index, payload.span));
  scope.policy.headers[id].payload.push_back(std::move(made));
}

// `own`: how many clauses the header has of its own, where this one comes from `extend`.
void addPayload(Scope& scope, ir::HeaderId id, const ast::PayloadBy& payload, size_t own = 0) {
  if (payload.single)
    return addSingle(scope, id, payload, own);
  if (!payload.by)
    return;
  ir::Header& header = scope.policy.headers[id];
  ir::PayloadBy made;
  made.by = findField(header, payload.by->text);
  if (!made.by || header.fields[*made.by].type.kind != ir::TypeKind::Int || header.fields[*made.by].part) {
    scope.emitter.report(diag::Id::bad_header, payload.by->span,
                         fmt::format("`{}` is no number among the fields of `{}`", payload.by->text, header.name));
    return;
  }
  if (!setWhen(scope, id, payload, own, made))
    return;
  for (const ast::Expr& entry : payload.entries)
    addEntry(scope, id, made, entry);
  if (header.kind == ir::HeaderKind::extension && !payload.entries.empty())
    scope.emitter.report(diag::Id::bad_header, payload.span, "an extension header uses the table of its header");
  header.payload.push_back(std::move(made));
}

using Graph = std::vector<HeaderSet>;

// Headers before each header in the same packet. A VLAN tag in a tag says nothing new, nor does an extension header,
// which has its header before it anyway. An optional field has its header before it.
Graph parentsOf(const Scope& scope) {
  Graph parents(scope.policy.headers.size());
  for (ir::HeaderId id = 0; id < scope.policy.headers.size(); ++id) {
    const ir::Header& header = scope.policy.headers[id];
    if (header.kind == ir::HeaderKind::part || header.kind == ir::HeaderKind::option)
      parents[id].insert(header.of);
    for (const ir::PayloadBy& payload : header.payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (entry.next != id && !entry.tunnel)
          parents[entry.next].insert(id);
  }
  return parents;
}

HeaderSet common(const std::map<ir::HeaderId, HeaderSet>& sets, const HeaderSet& ids) {
  std::optional<HeaderSet> common;
  for (ir::HeaderId id : ids) {
    const auto set = sets.find(id);
    if (set == sets.end())
      continue;
    if (common)
      common->keepCommon(set->second);
    else
      common = set->second;
  }
  return std::move(common).value_or(HeaderSet{});
}

// What IP's table names and is no IP itself. What is in a transport's table (DNS) is none.
bool isTransport(const Scope& scope, const Graph& parents, ir::HeaderId id) {
  if (scope.policy.headers[id].kind != ir::HeaderKind::plain || isIp(scope, id))
    return false;
  return std::ranges::any_of(parents[id], [&](ir::HeaderId parent) { return isIp(scope, parent); });
}

void reportCycle(Scope& scope, const std::vector<ir::HeaderId>& path, ir::HeaderId back, Span span) {
  std::string names;
  for (auto at = std::ranges::find(path, back); at != path.end(); ++at)
    names += fmt::format("`{}` leads to ", scope.policy.headers[*at].name);
  diag::Diagnostic& error = scope.emitter.report(diag::Id::header_cycle, span,
                                                 fmt::format("{}`{}` again", names, scope.policy.headers[back].name));
  error.help = "a header that starts a packet of its own is a `tunnel header`";
}

// Depth first; a way back to a header on the path is a circle. A tag that follows itself is none.
void findCycles(Scope& scope, ir::HeaderId id, std::vector<ir::HeaderId>& path, std::vector<Progress>& progress) {
  progress[id] = Progress::active;
  path.push_back(id);
  for (const ir::PayloadBy& payload : scope.policy.headers[id].payload)
    for (const ir::PayloadEntry& entry : payload.entries) {
      if (entry.tunnel || entry.next == id)
        continue;
      if (progress[entry.next] == Progress::active)
        reportCycle(scope, path, entry.next, entry.span);
      else if (progress[entry.next] == Progress::untouched)
        findCycles(scope, entry.next, path, progress);
    }
  path.pop_back();
  progress[id] = Progress::done;
}

bool hasBytes(const ir::Header& header) {
  const bool parsed = header.kind == ir::HeaderKind::plain || header.kind == ir::HeaderKind::tunnel ||
                      header.kind == ir::HeaderKind::extension;
  return !parsed || header.min_size > 0;
}

} // namespace

void buildPayload(Scope& scope, ir::HeaderId id, const ast::HeaderDecl& decl) {
  if (decl.extension_of) {
    if (const Symbol* symbol = resolve(scope, *decl.extension_of, SymbolKind::Header))
      scope.policy.headers[id].extension_of = symbol->index;
  }
  if (decl.size)
    setSize(scope, id, *decl.size);
  if (decl.length)
    if (auto length = checkSize(scope, id, *decl.length))
      scope.policy.headers[id].length = std::move(length->expr);
  for (const ast::PayloadBy& payload : decl.payload)
    addPayload(scope, id, payload);
}

namespace {

// Of its declaration; `extend` adds behind them.
size_t ownClauses(const Scope& scope, ir::HeaderId id) {
  const ast::HeaderDecl* decl = scope.headers[id].decl;
  return std::min(decl ? decl->payload.size() : 0, scope.policy.headers[id].payload.size());
}

} // namespace

void extendHeader(Scope& scope, const ast::HeaderDecl& decl) {
  const Symbol* symbol = resolve(scope, decl.name, SymbolKind::Header);
  if (!symbol)
    return;
  if (!decl.fields.empty() || decl.size || decl.length || !decl.alternatives.empty() || !decl.options.empty()) {
    scope.emitter.report(diag::Id::bad_header, decl.span, "`extend` adds `payload` clauses and nothing else");
    return;
  }
  const size_t own = ownClauses(scope, symbol->index);
  for (const ast::PayloadBy& payload : decl.payload)
    addPayload(scope, symbol->index, payload, own);
}

namespace {

// The field by which a header repeats itself and is found in `id`, too, as VLAN tags are behind Ethernet.
std::optional<ir::FieldId> tagField(const Scope& scope, ir::HeaderId id, ir::FieldId by, ir::HeaderId tag) {
  const ir::Header& header = scope.policy.headers[tag];
  const auto field = findField(header, scope.policy.headers[id].fields[by].name);
  const bool repeats =
      field && std::ranges::any_of(header.payload, [&](const ir::PayloadBy& clause) {
        return clause.by == field && std::ranges::count(clause.entries, tag, &ir::PayloadEntry::next) > 0;
      });
  return repeats ? field : std::nullopt;
}

bool hasEntry(const ir::Header& header, ir::FieldId by, uint64_t value) {
  return std::ranges::any_of(header.payload, [&](const ir::PayloadBy& clause) {
    return clause.by == by && std::ranges::count(clause.entries, value, &ir::PayloadEntry::value) > 0;
  });
}

// What leads back to the tag itself is left out: that would be a circle.
void addBehindTag(Scope& scope, const ir::PayloadBy& added, ir::HeaderId tag, ir::FieldId by) {
  ir::Header& header = scope.policy.headers[tag];
  ir::PayloadBy made;
  made.by = by;
  for (const ir::PayloadEntry& entry : added.entries)
    if (!hasEntry(header, by, entry.value) && (entry.next == tag || !canFollow(scope, entry.next, tag)))
      made.entries.push_back(entryTo(scope, tag, entry.value, entry.next, entry.span));
  if (!made.entries.empty())
    header.payload.push_back(std::move(made));
}

void extendTagsOf(Scope& scope, ir::HeaderId id, const ir::PayloadBy& table, const ir::PayloadBy& added) {
  std::set<ir::HeaderId> tags;
  for (const ir::PayloadEntry& entry : table.entries)
    if (entry.next != id)
      tags.insert(entry.next);
  for (ir::HeaderId tag : tags)
    if (const auto by = tagField(scope, id, *table.by, tag))
      addBehindTag(scope, added, tag, *by);
}

} // namespace

void extendTags(Scope& scope) {
  for (ir::HeaderId id = 0; id < scope.policy.headers.size(); ++id) {
    const std::vector<ir::PayloadBy> clauses = scope.policy.headers[id].payload;
    const size_t own = ownClauses(scope, id);
    for (size_t i = own; i < clauses.size(); ++i)
      for (size_t table = 0; table < own; ++table)
        if (clauses[i].by && clauses[table].by == clauses[i].by && !clauses[i].when)
          extendTagsOf(scope, id, clauses[table], clauses[i]);
  }
}

// Nothing else leads to it, and it names what IP names, by the same numbers.
std::optional<ir::HeaderId> ipHandingOn(const Scope& scope, ir::HeaderId id) {
  if (scope.policy.headers[id].kind != ir::HeaderKind::plain || isIp(scope, id))
    return std::nullopt;
  HeaderSet before;
  for (ir::HeaderId one = 0; one < scope.policy.headers.size(); ++one)
    for (const ir::PayloadBy& payload : scope.policy.headers[one].payload)
      if (std::ranges::count(payload.entries, id, &ir::PayloadEntry::next) > 0)
        before.insert(one);
  if (before.size() != 1 || !isIp(scope, *before.begin()))
    return std::nullopt;
  const auto named_by_ip = [&](const ir::PayloadEntry& entry) {
    return std::ranges::any_of(scope.policy.headers[*before.begin()].payload, [&](const ir::PayloadBy& table) {
      return std::ranges::any_of(table.entries, [&](const ir::PayloadEntry& same) {
        return same.value == entry.value && same.next == entry.next && !isIp(scope, entry.next);
      });
    });
  };
  for (const ir::PayloadBy& payload : scope.policy.headers[id].payload)
    if (std::ranges::any_of(payload.entries, named_by_ip))
      return *before.begin();
  return std::nullopt;
}

void markIpInIp(Scope& scope) {
  for (ir::HeaderId id = 0; id < scope.policy.headers.size(); ++id) {
    if (!ipHandingOn(scope, id))
      continue;
    for (ir::PayloadBy& payload : scope.policy.headers[id].payload)
      for (ir::PayloadEntry& entry : payload.entries)
        entry.tunnel = entry.tunnel || isIp(scope, entry.next);
  }
}

// Its fields have been found wrong already: some are missing, or they fill no bytes.
bool hasErrors(const ir::Header& header, const ast::HeaderDecl& decl) {
  const bool some =
      std::ranges::any_of(header.fields, [](const ir::Field& field) { return field.bits > 0 && !field.part; });
  return some || (header.fields.empty() && !decl.fields.empty());
}

void checkGraph(Scope& scope) {
  std::vector<Progress> progress(scope.policy.headers.size());
  std::vector<ir::HeaderId> path;
  for (ir::HeaderId id = 0; id < progress.size(); ++id)
    if (progress[id] == Progress::untouched)
      findCycles(scope, id, path, progress);
  for (ir::HeaderId id = 0; id < progress.size(); ++id) {
    const ir::Header& header = scope.policy.headers[id];
    const ast::HeaderDecl* decl = scope.headers[id].decl;
    if (decl && !hasBytes(header) && !hasErrors(header, *decl)) {
      diag::Diagnostic& error =
          scope.emitter.report(diag::Id::header_size, decl->size ? decl->size->span : decl->name.span,
                               fmt::format("the size of `{}` can be zero", header.name));
      error.help = "a header has a field that is always there";
    }
    if (decl && header.has_options && !decl->size)
      scope.emitter.report(diag::Id::bad_header, decl->name.span,
                           fmt::format("`{}` has options and no `size`, which says where they end", header.name));
  }
}

bool canFollow(const Scope& scope, ir::HeaderId id, ir::HeaderId next) {
  HeaderSet seen;
  std::vector<ir::HeaderId> open{id};
  while (!open.empty()) {
    const ir::HeaderId here = open.back();
    open.pop_back();
    for (const ir::PayloadBy& payload : scope.policy.headers[here].payload)
      for (const ir::PayloadEntry& entry : payload.entries) {
        if (entry.tunnel)
          continue;
        if (entry.next == next)
          return true;
        if (seen.insert(entry.next))
          open.push_back(entry.next);
      }
  }
  return false;
}

std::map<ir::HeaderId, HeaderSet> dominatorsIn(const Scope& scope, const HeaderSet& headers, const HeaderSet& roots) {
  const Graph parents = parentsOf(scope);
  Graph unions(parents.size()); // that a header is an alternative of
  HeaderSet all = headers;
  for (ir::HeaderId id = 0; id < parents.size(); ++id)
    for (ir::HeaderId alternative : scope.policy.headers[id].alternatives) {
      unions[alternative].insert(id);
      all.insert(id);
    }
  std::map<ir::HeaderId, HeaderSet> sets;
  for (ir::HeaderId id : headers)
    sets[id] = all;
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [id, set] : sets) {
      HeaderSet now = roots.contains(id) ? HeaderSet{} : common(sets, parents[id]);
      now.insert(id);
      now.insert(unions[id]);
      changed |= now != set;
      set = std::move(now);
    }
  }
  return sets;
}

constexpr ir::HeaderId kFirst = 0; // Ethernet, which every frame begins with

// Headers that a packet can have before any tunnel.
HeaderSet outermost(const Scope& scope, const Graph& parents) {
  const auto& headers = scope.policy.headers;
  HeaderSet entered;
  for (const ir::Header& header : headers)
    for (const ir::PayloadBy& payload : header.payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        entered.insert(entry.next);
  HeaderSet found;
  for (bool more = true; more;) {
    more = false;
    for (ir::HeaderId id = 0; id < headers.size(); ++id) {
      const bool starts = id == kFirst || (parents[id].empty() && !entered.contains(id));
      const bool follows = std::ranges::any_of(parents[id], [&](ir::HeaderId one) { return found.contains(one); });
      if (starts || follows)
        more |= found.insert(id);
    }
  }
  return found;
}

void relateHeaders(Scope& scope) {
  const Graph parents = parentsOf(scope);
  const HeaderSet outer = outermost(scope, parents);
  HeaderSet all, roots;
  for (ir::HeaderId id = 0; id < parents.size(); ++id) {
    scope.headers[id].implied = {id};
    if (scope.policy.headers[id].kind != ir::HeaderKind::alternatives && outer.contains(id))
      all.insert(id);
    if (parents[id].empty())
      roots.insert(id);
  }
  for (auto& [id, set] : dominatorsIn(scope, all, roots)) {
    scope.headers[id].implied = std::move(set);
    scope.headers[id].transport = isTransport(scope, parents, id);
  }
  for (ir::HeaderId id = 0; id < parents.size(); ++id)
    if (scope.policy.headers[id].kind == ir::HeaderKind::alternatives)
      relateUnion(scope, id);
}

void relateUnion(Scope& scope, ir::HeaderId id) {
  const auto& alternatives = scope.policy.headers[id].alternatives;
  HeaderState& state = scope.headers[id];
  std::optional<HeaderSet> implied;
  for (ir::HeaderId one : alternatives) {
    if (implied)
      implied->keepCommon(scope.headers[one].implied);
    else
      implied = scope.headers[one].implied;
  }
  state.implied = implied.value_or(HeaderSet{});
  state.implied.insert(id);
  state.transport = !alternatives.empty() &&
                    std::ranges::all_of(alternatives, [&](ir::HeaderId one) { return scope.headers[one].transport; });
  // What implies one of the alternatives implies the union.
  for (HeaderState& other : scope.headers)
    if (std::ranges::any_of(alternatives, [&](ir::HeaderId one) { return other.implied.contains(one); }))
      other.implied.insert(id);
}

HeaderSet withImplied(const Scope& scope, const HeaderSet& headers) {
  HeaderSet out;
  for (ir::HeaderId id : headers)
    out.insert(scope.headers[id].implied);
  return out;
}

} // namespace xdpc::sema
