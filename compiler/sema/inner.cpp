// Makes the headers that `inner` names. Tested by tests/unit/sema/inner_test.cpp and tests/packet/tunnels.
#include "compiler/sema/inner.h"
#include "compiler/sema/header.h"
#include "compiler/sema/header_graph.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

using Ids = std::map<ir::HeaderId, ir::HeaderId>;

void rename(ir::Expr& expr, const Ids& ids) {
  if (const auto id = ids.find(expr.header); id != ids.end())
    expr.header = id->second;
  for (ir::Expr& arg : expr.args)
    rename(arg, ids);
}

void rename(std::optional<ir::Expr>& expr, const Ids& ids) {
  if (expr)
    rename(*expr, ids);
}

void rename(ir::Header& header, const Ids& ids) {
  const auto to = [&](ir::HeaderId& id) {
    if (const auto it = ids.find(id); it != ids.end())
      id = it->second;
  };
  rename(header.size, ids);
  rename(header.length, ids);
  rename(header.when, ids);
  rename(header.start, ids);
  to(header.of);
  if (header.extension_of)
    to(*header.extension_of);
  for (ir::Field& field : header.fields) {
    rename(field.derived, ids);
    if (field.part)
      to(field.part->header);
  }
  for (ir::PayloadBy& payload : header.payload) {
    rename(payload.when, ids);
    for (ir::PayloadEntry& entry : payload.entries)
      if (!entry.tunnel)
        to(entry.next);
  }
}

bool isPart(const ir::Header& header) {
  return header.kind == ir::HeaderKind::part || header.kind == ir::HeaderKind::option;
}

bool isRoom(Scope& scope, size_t more, Span span) {
  if (scope.policy.headers.size() + more <= kMaxAllHeaders)
    return true;
  scope.emitter.report(diag::Id::too_large, span,
                       fmt::format("the names in tunnels make more than {} headers", kMaxAllHeaders));
  return false;
}

ir::HeaderId copyHeader(Scope& scope, ir::HeaderId id, std::string name) {
  ir::Header copy = scope.policy.headers[id];
  copy.name = std::move(name);
  copy.inner.clear();
  HeaderState state = scope.headers[id];
  scope.policy.headers.push_back(std::move(copy));
  scope.headers.push_back(std::move(state));
  return static_cast<ir::HeaderId>(scope.policy.headers.size() - 1);
}

class InnerNames {
public:
  InnerNames(Scope& scope, Span span) : scope_(scope), span_(span) {}

  // The first `next` (as declared) behind `header`; neither is a union. One for each way: in the same packet, and in
  // the packet that starts there (`ipv4.inner.tcp`).
  std::vector<ir::HeaderId> follow(ir::HeaderId header, ir::HeaderId next) {
    std::vector<ir::HeaderId> found;
    const bool is_later = at(header).kind == ir::HeaderKind::later;
    const ir::HeaderId node = is_later ? at(header).of : header;
    const ir::HeaderId declared = at(node).declared;
    // Behind AH, and behind what extends IPv6, the tunnel is that of the IP header before it.
    const bool extends = isExtension(declared);
    const auto ip = extends ? at(declared).extension_of : ipHandingOn(scope_, declared);
    if (const auto in_tunnel = throughTunnel(ip ? inPacketOf(node, *ip) : node, ip.value_or(declared), next))
      found.push_back(is_later || ip ? later(*in_tunnel, header) : *in_tunnel);
    if (canFollow(scope_, extends ? *ip : declared, next) && !(extends && isExtension(next)))
      found.push_back(later(inPacketOf(node, next), header));
    return found;
  }

  bool tooDeep() const { return too_deep_; }

  ir::HeaderId unite(const std::vector<ir::HeaderId>& alternatives, std::string name, ir::HeaderId declared) {
    const auto id = static_cast<ir::HeaderId>(scope_.policy.headers.size());
    ir::Header made{.name = std::move(name), .kind = ir::HeaderKind::alternatives, .alternatives = alternatives};
    made.declared = id;
    made.packet = at(alternatives[0]).packet;
    made.span = span_;
    scope_.policy.headers.push_back(std::move(made));
    scope_.headers.push_back({});
    mergeFields(scope_, id);
    mergeParts(id);
    relateUnion(scope_, id);
    // Whatever has `ip` before it on every way has this one, too.
    const PacketState& packet = scope_.packets[at(id).packet];
    for (const auto& [one, dominators] : packet.dominators)
      if (dominators.contains(declared))
        scope_.headers[packet.headers.at(one)].implied.insert(id);
    return id;
  }

private:
  ir::Header& at(ir::HeaderId id) { return scope_.policy.headers[id]; }

  bool isExtension(ir::HeaderId id) { return at(id).kind == ir::HeaderKind::extension; }

  ir::HeaderId inPacketOf(ir::HeaderId node, ir::HeaderId declared) {
    return at(node).packet == 0 ? declared : scope_.packets[at(node).packet].headers.at(declared);
  }

  std::optional<ir::HeaderId> throughTunnel(ir::HeaderId node, ir::HeaderId declared, ir::HeaderId next) {
    HeaderSet roots = rootsOf(declared);
    for (ir::HeaderId behind : handedOnTo(declared))
      roots.insert(rootsOf(behind));
    const bool follows = roots.contains(next) ||
                         std::ranges::any_of(roots, [&](ir::HeaderId root) { return canFollow(scope_, root, next); });
    if (!follows)
      return std::nullopt;
    const auto packet = enter(node, roots);
    return packet ? std::optional(scope_.packets[*packet].headers.at(next)) : std::nullopt;
  }

  HeaderSet rootsOf(ir::HeaderId declared) {
    HeaderSet roots;
    for (const ir::PayloadBy& payload : at(declared).payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (entry.tunnel)
          roots.insert(entry.next);
    return roots;
  }

  // Headers between an IP header and the packet in its tunnel.
  std::vector<ir::HeaderId> handedOnTo(ir::HeaderId declared) {
    std::vector<ir::HeaderId> behind;
    for (const ir::PayloadBy& payload : at(declared).payload)
      for (const ir::PayloadEntry& entry : payload.entries)
        if (ipHandingOn(scope_, entry.next) == declared)
          behind.push_back(entry.next);
    return behind;
  }

  std::optional<uint32_t> enter(ir::HeaderId node, const HeaderSet& roots) {
    if (const auto before = scope_.entered.find(node); before != scope_.entered.end())
      return before->second;
    const unsigned depth = scope_.packets[at(node).packet].depth + 1;
    if (depth > kMaxTunnels) {
      too_deep_ = true;
      return std::nullopt;
    }
    const HeaderSet inside = reachable(roots);
    if (!isRoom(scope_, inside.size(), span_))
      return std::nullopt;
    const auto packet = static_cast<uint32_t>(scope_.packets.size());
    scope_.policy.packets = packet + 1;
    scope_.packets.push_back({.depth = depth});
    scope_.entered[node] = packet;
    Ids& ids = scope_.packets[packet].headers;
    for (ir::HeaderId declared : inside)
      ids[declared] = copyHeader(scope_, declared, at(node).name + ".inner." + at(declared).name);
    for (const auto& [declared, made] : ids) {
      rename(at(made), ids);
      at(made).packet = packet;
    }
    std::vector<ir::HeaderId> outer = {node};
    for (ir::HeaderId behind : handedOnTo(at(node).declared))
      outer.push_back(inPacketOf(node, behind));
    for (ir::HeaderId one : outer)
      for (ir::HeaderId root : roots)
        at(one).inner.push_back({root, ids.at(root)});
    imply(node, scope_.packets[packet], roots);
    return packet;
  }

  // All headers of the packet that starts with one of `roots`, as declared, with their optional fields.
  HeaderSet reachable(const HeaderSet& roots) {
    HeaderSet inside;
    for (ir::HeaderId id = 0; id < scope_.policy.headers.size(); ++id) {
      const ir::Header& header = at(id);
      if (header.packet != 0 || header.declared != id || header.kind == ir::HeaderKind::alternatives)
        continue;
      const ir::HeaderId parsed = isPart(header) ? header.of : id;
      if (at(parsed).kind != ir::HeaderKind::later &&
          (roots.contains(parsed) ||
           std::ranges::any_of(roots, [&](ir::HeaderId root) { return canFollow(scope_, root, parsed); })))
        inside.insert(id);
    }
    return inside;
  }

  void imply(ir::HeaderId node, PacketState& packet, const HeaderSet& roots) {
    HeaderSet inside;
    for (const auto& [declared, made] : packet.headers)
      inside.insert(declared);
    packet.dominators = dominatorsIn(scope_, inside, roots);
    for (const auto& [declared, made] : packet.headers) {
      HeaderSet implied = scope_.headers[node].implied;
      for (ir::HeaderId one : packet.dominators.at(declared))
        if (const auto id = packet.headers.find(one); id != packet.headers.end())
          implied.insert(id->second);
      scope_.headers[made].implied = std::move(implied);
    }
  }

  ir::HeaderId later(ir::HeaderId of, ir::HeaderId after) {
    if (const auto before = scope_.later.find({of, after}); before != scope_.later.end())
      return before->second;
    const std::string name = at(after).name + ".inner." + at(at(of).declared).name;
    const ir::HeaderId id = copyHeader(scope_, of, name);
    scope_.later[{of, after}] = id;
    rename(at(id), {{of, id}});
    at(id).kind = ir::HeaderKind::later;
    at(id).payload.clear();
    at(id).extension_of.reset();
    HeaderSet& implied = scope_.headers[id].implied;
    implied.insert(scope_.headers[after].implied);
    implied.insert(id);
    copyParts(of, id);
    at(id).of = of; // behind the renaming, which is for what speaks of the header itself
    at(id).after = after;
    return id;
  }

  void copyParts(ir::HeaderId from, ir::HeaderId to) {
    Ids ids{{from, to}};
    for (const ir::Field& field : at(from).fields)
      if (field.part && !ids.contains(field.part->header)) {
        const ir::HeaderId part = field.part->header;
        ids[part] = copyHeader(scope_, part, at(to).name + "." + field.name);
        scope_.headers[ids[part]].implied.insert({ids[part], to});
      }
    for (const auto& [declared, made] : ids)
      rename(at(made), ids);
  }

  // Fields that are not always there, in unions of their own.
  void mergeParts(ir::HeaderId id) {
    const std::vector<ir::HeaderId> alternatives = at(id).alternatives;
    for (const ir::Field& field : std::vector<ir::Field>(at(alternatives[0]).fields)) {
      if (!field.part || findField(at(id), field.name))
        continue;
      std::vector<ir::HeaderId> parts;
      for (ir::HeaderId one : alternatives)
        if (const auto same = findField(at(one), field.name); same && at(one).fields[*same].part)
          parts.push_back(at(one).fields[*same].part->header);
      if (parts.size() != alternatives.size())
        continue;
      const ir::HeaderId part = unite(parts, at(id).name + "." + field.name, id);
      const auto inner = findField(at(part), field.name);
      if (!inner)
        continue;
      ir::Field made = field;
      made.part = ir::PartRef{part, *inner};
      HeaderState& state = scope_.headers[id];
      state.sources.push_back(nullptr);
      state.derived.push_back(Progress::done);
      state.field_low.push_back(scope_.headers[part].field_low[*inner]);
      state.field_high.push_back(scope_.headers[part].field_high[*inner]);
      at(id).fields.push_back(std::move(made));
    }
  }

  Scope& scope_;
  Span span_;
  bool too_deep_ = false;
};

std::vector<ir::HeaderId> plainHeaders(const Scope& scope, ir::HeaderId id) {
  const auto& alternatives = scope.policy.headers[id].alternatives;
  return alternatives.empty() ? std::vector<ir::HeaderId>{id} : alternatives;
}

void reportNothing(Scope& scope, ir::HeaderId header, const ast::Name& name, Span span, bool too_deep) {
  const std::string& outer = scope.policy.headers[header].name;
  if (too_deep) {
    scope.emitter
        .report(diag::Id::too_many_tunnels, span,
                fmt::format("{} lies in more than {} tunnels", quoted(span), kMaxTunnels))
        .help = "a packet with more of them makes `pkt.unparsed` true";
    return;
  }
  scope.emitter.report(diag::Id::never_follows, span,
                       fmt::format("`{}` never follows `{}` before the next tunnel", name.text, outer));
}

} // namespace

std::optional<ir::HeaderId> innerHeader(Env env, ir::HeaderId header, const ast::Name& name, Span span) {
  Scope& scope = env.scope;
  const Symbol* symbol = resolve(scope, name, SymbolKind::Header);
  if (!symbol)
    return std::nullopt;
  if (env.own) {
    scope.emitter.report(diag::Id::bad_header, span, "a header's declaration does not reach into tunnels");
    return std::nullopt;
  }
  const std::pair key{header, symbol->index};
  if (const auto before = scope.inner.find(key); before != scope.inner.end())
    return before->second;
  InnerNames names(scope, span);
  std::vector<ir::HeaderId> found;
  for (ir::HeaderId outer : plainHeaders(scope, header))
    for (ir::HeaderId next : plainHeaders(scope, symbol->index))
      for (ir::HeaderId one : names.follow(outer, next))
        found.push_back(one);
  if (!isRoom(scope, 16, span))
    return std::nullopt;
  if (found.empty()) {
    reportNothing(scope, header, name, span, names.tooDeep());
    return std::nullopt;
  }
  const ir::HeaderId made =
      found.size() == 1 ? found[0]
                        : names.unite(found, scope.policy.headers[header].name + ".inner." + name.text, symbol->index);
  return scope.inner[key] = made;
}

} // namespace xdpc::sema
