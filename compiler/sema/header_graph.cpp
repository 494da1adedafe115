// The graph of headers: payload clauses, extensions of a header, and what follows from them. Tested by
// tests/unit/sema/header_test.cpp.
#include "compiler/sema/header_graph.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

std::optional<ir::Expr> checkSize(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  Value value = checkExpr({scope, id}, expr);
  if (!value.ok)
    return std::nullopt;
  if (category(value.expr.type) != Category::number || !value.needs.empty()) {
    scope.emitter.report(diag::Id::bad_header, expr.span, "a size is a number made of the header's own fields");
    return std::nullopt;
  }
  return std::move(value.expr);
}

std::optional<ir::Expr> checkWhen(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  Value value = checkCondition({scope, id}, expr);
  return value.ok ? std::optional(std::move(value.expr)) : std::nullopt;
}

void addEntry(Scope& scope, ir::HeaderId id, ir::PayloadBy& made, const ast::Expr& entry) {
  if (entry.kind != ast::ExprKind::Pair || entry.args.size() != 2 || entry.args[1].kind != ast::ExprKind::Name) {
    scope.emitter.report(diag::Id::bad_header, entry.span, "an entry of `payload` is `number => header`");
    return;
  }
  const Wide high = scope.headers[id].field_high[*made.by];
  const auto value = checkConstantNumber({scope, {}}, entry.args[0], 0, high, "the entry");
  const Symbol* next = resolve(scope, {entry.args[1].text, entry.args[1].span}, SymbolKind::Header);
  if (!value || !next)
    return;
  if (scope.policy.headers[next->index].kind == ir::HeaderKind::alternatives) {
    scope.emitter.report(diag::Id::bad_header, entry.args[1].span,
                         fmt::format("`{}` stands for several headers", entry.args[1].text));
    return;
  }
  made.entries.push_back({static_cast<uint64_t>(*value), next->index});
}

void addPayload(Scope& scope, ir::HeaderId id, const ast::PayloadBy& payload) {
  if (payload.single)
    return notImplemented(scope, payload.span, "payload " + payload.single->text);
  if (!payload.by)
    return;
  ir::Header& header = scope.policy.headers[id];
  ir::PayloadBy made;
  made.by = findField(header, payload.by->text);
  if (!made.by || header.fields[*made.by].type.kind != ir::TypeKind::Int) {
    scope.emitter.report(diag::Id::bad_header, payload.by->span,
                         fmt::format("`{}` is no number among the fields of `{}`", payload.by->text, header.name));
    return;
  }
  if (payload.when && !(made.when = checkWhen(scope, id, *payload.when)))
    return;
  for (const ast::Expr& entry : payload.entries)
    addEntry(scope, id, made, entry);
  if (header.kind == ir::HeaderKind::extension && !payload.entries.empty())
    scope.emitter.report(diag::Id::bad_header, payload.span, "an extension header uses the table of its header");
  header.payload.push_back(std::move(made));
}

using Graph = std::vector<HeaderSet>;

// Headers before each header. A VLAN tag in a tag says nothing new, nor does an extension header, which has its header
// before it anyway.
Graph parentsOf(const Scope& scope) {
  Graph parents(scope.policy.headers.size());
  for (ir::HeaderId id = 0; id < scope.policy.headers.size(); ++id)
    for (const ir::PayloadBy& payload : scope.policy.headers[id].payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (entry.next != id)
          parents[entry.next].insert(id);
  return parents;
}

HeaderSet intersection(const Graph& sets, const auto& ids) {
  HeaderSet common;
  bool first = true;
  for (ir::HeaderId id : ids) {
    HeaderSet both;
    std::set_intersection(common.begin(), common.end(), sets[id].begin(), sets[id].end(),
                          std::inserter(both, both.end()));
    common = first ? sets[id] : std::move(both);
    first = false;
  }
  return common;
}

// Dominators: a header implies what every way to it leads through. A union stands for any of its alternatives.
Graph dominators(const Scope& scope, const Graph& parents) {
  const auto& headers = scope.policy.headers;
  HeaderSet all;
  for (ir::HeaderId id = 0; id < headers.size(); ++id)
    all.insert(id);
  Graph sets(headers.size(), all);
  for (bool changed = true; changed;) {
    changed = false;
    for (ir::HeaderId id = 0; id < headers.size(); ++id) {
      const bool is_union = headers[id].kind == ir::HeaderKind::alternatives;
      HeaderSet now = is_union ? intersection(sets, headers[id].alternatives) : intersection(sets, parents[id]);
      now.insert(id);
      for (ir::HeaderId other = 0; other < headers.size(); ++other)
        if (std::ranges::count(headers[other].alternatives, id))
          now.insert(other);
      changed |= now != sets[id];
      sets[id] = std::move(now);
    }
  }
  return sets;
}

// IP has a length and transports are in its table; what is in a transport's table (DNS) is none.
bool isTransport(const Scope& scope, const Graph& parents, ir::HeaderId id, std::vector<bool>& busy) {
  if (busy[id] || scope.policy.headers[id].kind != ir::HeaderKind::plain)
    return false;
  busy[id] = true;
  bool found = false;
  for (ir::HeaderId parent : parents[id])
    found |= scope.policy.headers[parent].length && !isTransport(scope, parents, parent, busy);
  busy[id] = false;
  return found;
}

} // namespace

void buildPayload(Scope& scope, ir::HeaderId id, const ast::HeaderDecl& decl) {
  if (decl.extension_of) {
    if (const Symbol* symbol = resolve(scope, *decl.extension_of, SymbolKind::Header))
      scope.policy.headers[id].extension_of = symbol->index;
  }
  if (decl.size)
    scope.policy.headers[id].size = checkSize(scope, id, *decl.size);
  if (decl.length)
    scope.policy.headers[id].length = checkSize(scope, id, *decl.length);
  for (const ast::PayloadBy& payload : decl.payload)
    addPayload(scope, id, payload);
}

void extendHeader(Scope& scope, const ast::HeaderDecl& decl) {
  const Symbol* symbol = resolve(scope, decl.name, SymbolKind::Header);
  if (!symbol)
    return;
  if (!decl.fields.empty() || decl.size || decl.length || !decl.alternatives.empty()) {
    scope.emitter.report(diag::Id::bad_header, decl.span, "`extend` adds `payload` clauses and nothing else");
    return;
  }
  for (const ast::PayloadBy& payload : decl.payload)
    addPayload(scope, symbol->index, payload);
}

void relateHeaders(Scope& scope) {
  const Graph parents = parentsOf(scope);
  Graph sets = dominators(scope, parents);
  std::vector<bool> busy(parents.size());
  for (ir::HeaderId id = 0; id < sets.size(); ++id) {
    scope.headers[id].implied = std::move(sets[id]);
    scope.headers[id].transport = isTransport(scope, parents, id, busy);
  }
  for (ir::HeaderId id = 0; id < sets.size(); ++id) {
    const auto& alternatives = scope.policy.headers[id].alternatives;
    if (!alternatives.empty())
      scope.headers[id].transport =
          std::ranges::all_of(alternatives, [&](ir::HeaderId one) { return scope.headers[one].transport; });
  }
}

HeaderSet withImplied(const Scope& scope, const HeaderSet& headers) {
  HeaderSet out;
  for (ir::HeaderId id : headers)
    out.insert(scope.headers[id].implied.begin(), scope.headers[id].implied.end());
  return out;
}

} // namespace xdpc::sema
