// Checks names and fields: `tcp`, `fresh`, `ip.src`, `pkt.len`, `l4.payload_len`. Tested by
// tests/unit/sema/name_test.cpp.
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"
#include "compiler/sema/inner.h"
#include "compiler/sema/packet_fields.h"
#include "compiler/sema/payload.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::sema {

namespace {

constexpr PacketFieldInfo kPacketFields[] = {
    {"len", ir::PacketField::Len, 32, "bytes, from the Ethernet header"},
    {"ifindex", ir::PacketField::Ifindex, 32, "the interface that it came in by"},
    {"rx_queue", ir::PacketField::RxQueue, 32, "the receive queue that it came in by"},
    {"malformed", ir::PacketField::Malformed, 1,
     "an outermost header, Ethernet to transport, is cut short or has impossible lengths"},
    {"unparsed", ir::PacketField::Unparsed, 1, "the walk over the headers ended at a bound"},
};

void measure(const ir::Expr& expr, Value& value, uint32_t depth) {
  ++value.nodes;
  value.depth = std::max(value.depth, depth);
  for (const ir::Expr& arg : expr.args)
    measure(arg, value, depth + 1);
}

bool withinBounds(Env env, const Value& value, Span span) {
  env.scope.nodes += value.nodes;
  if (env.scope.nodes <= kMaxNodes)
    return true;
  env.scope.emitter.report(diag::Id::too_large, span,
                           fmt::format("the definitions that are used expand to more than {} terms", kMaxNodes));
  return false;
}

Value presentValue(ir::HeaderId header, Span span) {
  Value value;
  value.expr = present(header, span);
  value.certain = {header};
  return value;
}

// An option without a value: its name is a condition.
bool isFlag(const ir::Field& field) {
  return field.type.kind == ir::TypeKind::Bool && field.bits == 0 && !field.derived && field.alternatives.empty();
}

Value fieldValue(Env env, ir::HeaderId header, ir::FieldId id, Span span) {
  const ir::Field& field = env.scope.policy.headers[header].fields[id];
  if (field.part)
    return isFlag(env.scope.policy.headers[field.part->header].fields[field.part->field])
               ? presentValue(field.part->header, span)
               : fieldValue(env, field.part->header, field.part->field, span);
  if (field.ahead) {
    env.scope.emitter
        .report(diag::Id::not_a_value, span,
                fmt::format("{} lies behind the header: it chooses what follows and is no field", quoted(span)))
        .help = "ask for the header that follows";
    return failed();
  }
  if (!prepareField(env.scope, header, id))
    return failed();
  Value value;
  value.low = env.scope.headers[header].field_low[id];
  value.high = env.scope.headers[header].field_high[id];
  // Within a declaration the definition takes the place of the name, so that no derived field refers to another.
  if (env.own && field.derived) {
    value.expr = *field.derived;
    measure(value.expr, value, 1);
    if (!withinBounds(env, value, span))
      return failed();
    if (header != *env.own)
      value.needs = {header};
    return value;
  }
  value.expr.kind = ir::ExprKind::Field;
  value.expr.type = field.type;
  value.expr.header = header;
  value.expr.field = id;
  value.expr.span = span;
  if (env.own != header)
    value.needs = {header};
  return value;
}

Value checkPacketField(Env env, const ast::Expr& expr, Span name) {
  for (const PacketFieldInfo& info : kPacketFields) {
    if (expr.text != info.name)
      continue;
    Value value;
    value.expr.kind = ir::ExprKind::Packet;
    value.expr.packet = info.field;
    value.expr.type = info.bits == 1 ? ir::Type{ir::TypeKind::Bool} : ir::Type{ir::TypeKind::Int, info.bits};
    value.expr.span = expr.span;
    value.high = (Wide{1} << info.bits) - 1;
    return value;
  }
  std::vector<std::string> names;
  for (const PacketFieldInfo& info : kPacketFields)
    names.push_back(info.name);
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::unknown_name, name, fmt::format("`pkt` has no field `{}`", expr.text));
  if (const auto near = diag::nearest(expr.text, names)) {
    error.help = fmt::format("did you mean `pkt.{}`", *near);
    error.fixits.push_back({name, *near});
  }
  return failed();
}

// What other filters call a field that is among the names.
std::optional<std::string> usualName(std::string_view text, const std::vector<std::string>& names) {
  static constexpr std::pair<std::string_view, const char*> kElsewhere[] = {
      {"saddr", "src"},      {"daddr", "dst"},     {"source", "src"},     {"destination", "dst"},
      {"source", "sport"},   {"dest", "dport"},    {"protocol", "proto"}, {"nexthdr", "next_header"},
      {"hoplimit", "ttl"},   {"hop_limit", "ttl"}, {"seqnum", "seq"},     {"length", "len"},
      {"ethertype", "type"}, {"vid", "id"},        {"dst_port", "dport"}, {"src_port", "sport"},
      {"port", "dport"},     {"cwnd", "window"},   {"operation", "op"},   {"src_ip", "src"},
      {"dst_ip", "dst"}};
  for (const auto& [elsewhere, here] : kElsewhere)
    if (text == elsewhere && std::ranges::count(names, here) > 0)
      return here;
  return std::nullopt;
}

Value unknownField(Env env, const ir::Header& header, const ast::Expr& expr, Span name) {
  std::vector<std::string> names;
  for (const ir::Field& field : header.fields)
    names.push_back(field.name);
  names.push_back("payload_len");
  names.push_back("payload");
  diag::Diagnostic& error = env.scope.emitter.report(diag::Id::unknown_name, name,
                                                     fmt::format("`{}` has no field `{}`", header.name, expr.text));
  auto near = usualName(expr.text, names);
  if (!near)
    near = diag::nearest(expr.text, names);
  if (near) {
    error.help = fmt::format("did you mean `{}.{}`", header.name, *near);
    error.fixits.push_back({name, *near});
  }
  return failed();
}

Value payloadLength(ir::HeaderId header, Span span) {
  Value value;
  value.expr.kind = ir::ExprKind::PayloadLength;
  value.expr.type = {ir::TypeKind::Int, 16};
  value.expr.header = header;
  value.expr.span = span;
  value.high = 0xffff;
  value.needs = {header};
  return value;
}

Value checkHeaderMember(Env env, ir::HeaderId id, const ast::Expr& expr, Span name) {
  const ir::Header& header = env.scope.policy.headers[id];
  if (const auto field = findField(header, expr.text))
    return fieldValue(env, id, *field, expr.span);
  if (expr.text == "payload_len")
    return payloadLength(id, expr.span);
  if (expr.text == "payload")
    return payloadOf(env, id, expr.span);
  if (expr.text == "inner") {
    env.scope.emitter
        .report(diag::Id::not_a_value, expr.span, fmt::format("{} needs a header behind it", quoted(expr.span)))
        .help = fmt::format("such as `{}.ip.src` or `{}.tcp`", expr.span.text(), expr.span.text());
    return failed();
  }
  return unknownField(env, header, expr, name);
}

Value notAValue(Env env, const ast::Expr& expr, const Symbol& symbol) {
  diag::Diagnostic& error =
      env.scope.emitter.report(diag::Id::not_a_value, expr.span,
                               fmt::format("`{}` is {}, which has no value of its own", expr.text, aKind(symbol.kind)));
  if (symbol.kind == SymbolKind::Set)
    error.help = fmt::format("ask for an element: `… in {}`", expr.text);
  if (symbol.kind == SymbolKind::Map)
    error.help = fmt::format("ask for a value: `{}[…]`", expr.text);
  error.notes.push_back({symbol.span, "it is declared here"});
  return failed();
}

Value constantValue(Env env, const ast::Expr& expr, const Symbol& symbol) {
  const Constant* constant = prepareConstant(env.scope, symbol.index);
  if (!constant)
    return failed();
  if (constant->is_set)
    return notAValue(env, expr, {SymbolKind::Set, 0, symbol.span});
  if (constant->is_tuple) {
    env.scope.emitter.report(diag::Id::not_a_value, expr.span, fmt::format("`{}` is a tuple", expr.text)).help =
        "it stands before `in`, in a key or in the `[ ]` of a map";
    return failed();
  }
  if (constant->is_quantity) {
    diag::Diagnostic& error = env.scope.emitter.report(
        diag::Id::wrong_unit, expr.span, fmt::format("`{}` is a time or a rate, where a number is needed", expr.text));
    error.notes.push_back({symbol.span, "it is declared here"});
    return failed();
  }
  Value value = constant->value;
  return value.ok && withinBounds(env, value, expr.span) ? value : failed();
}

// A name for something that a packet has: a condition or a field.
bool isRead(Scope& scope, const Symbol& symbol) {
  const Constant* constant = prepareConstant(scope, symbol.index);
  return constant && !constant->is_set && !constant->is_tuple && constant->value.ok && !constant->value.constant;
}

// `vxlan.inner.ip` or longer, as the last header's part of it: the `ip` of it.
bool isInner(const ast::Expr& expr) {
  return expr.kind == ast::ExprKind::Member && expr.args[0].kind == ast::ExprKind::Member &&
         expr.args[0].text == "inner";
}

Span memberName(const ast::Expr& expr) { // the end of its text
  return {expr.span.file, expr.span.end - static_cast<uint32_t>(expr.text.size()), expr.span.end};
}

// The header that `vxlan`, `vxlan.inner.ip` or `gre.inner.vxlan.inner.ip` names.
std::optional<ir::HeaderId> headerOf(Env env, const ast::Expr& expr) {
  if (isInner(expr)) {
    const auto outer = headerOf(env, expr.args[0].args[0]);
    return outer ? innerHeader(env, *outer, {std::string(expr.text), memberName(expr)}, expr.span) : std::nullopt;
  }
  if (expr.kind != ast::ExprKind::Name) {
    env.scope.emitter.report(diag::Id::not_a_value, expr.span,
                             fmt::format("{} is not a header: a field is `header.field`", quoted(expr.span)));
    return std::nullopt;
  }
  const Symbol* symbol = lookUp(env.scope, expr.text);
  if (!symbol) {
    reportUnknown(env.scope, ast::nameOf(expr), "header", SymbolKind::Header);
    return std::nullopt;
  }
  if (symbol->kind == SymbolKind::Header)
    return symbol->index;
  env.scope.emitter.report(diag::Id::wrong_kind, expr.span,
                           fmt::format("`{}` is {} and has no fields", expr.text, aKind(symbol->kind)));
  return std::nullopt;
}

ast::Expr memberOf(ast::Expr base, std::string_view name, Span span) {
  ast::Expr expr;
  expr.kind = ast::ExprKind::Member;
  expr.text = name;
  expr.span = span;
  expr.args.push_back(std::move(base));
  return expr;
}

// The condition with every header in it replaced by the first one behind `outer`: `vxlan.inner.nd` asks what `nd` does.
ast::Expr inside(Env env, const ast::Expr& outer, ast::Expr expr) {
  const Symbol* symbol = expr.kind == ast::ExprKind::Name ? lookUp(env.scope, expr.text) : nullptr;
  if (symbol && symbol->kind == SymbolKind::Constant && isRead(env.scope, *symbol))
    return inside(env, outer, env.scope.constants[symbol->index].decl->value);
  const bool payload = expr.kind == ast::ExprKind::Name && !symbol && expr.text == "payload";
  if (payload || (symbol && symbol->kind == SymbolKind::Header)) {
    return memberOf(memberOf(outer, "inner", expr.span), expr.text, expr.span);
  }
  for (ast::Expr& arg : expr.args)
    arg = inside(env, outer, std::move(arg));
  return expr;
}

// `vxlan.inner.tcp`; `vxlan.inner.payload`, which is that of its transport; a condition by its name.
Value checkInner(Env env, const ast::Expr& expr) {
  const ast::Expr& outer = expr.args[0].args[0];
  const Symbol* symbol = lookUp(env.scope, expr.text);
  if (!symbol && expr.text == "payload") {
    const auto header = headerOf(env, outer);
    const auto transport = header ? innerHeader(env, *header, {"l4", memberName(expr)}, expr.span) : std::nullopt;
    return transport ? payloadOf(env, *transport, expr.span) : failed();
  }
  if (symbol && symbol->kind == SymbolKind::Constant && isRead(env.scope, *symbol)) {
    Value value = checkExpr(env, inside(env, outer, env.scope.constants[symbol->index].decl->value));
    if (value.ok && value.expr.type.kind == ir::TypeKind::Bool && !value.constant)
      value = asCondition(env, std::move(value), expr.span);
    return value.ok && withinBounds(env, value, expr.span) ? value : failed();
  }
  const auto header = headerOf(env, expr);
  return header ? presentValue(*header, expr.span) : failed();
}

} // namespace

std::span<const PacketFieldInfo> packetFields() {
  return kPacketFields;
}

bool boundedDefinition(Scope& scope, Span place, const Value& value) {
  if (value.nodes <= kMaxDefinitionNodes)
    return true;
  scope.emitter.report(diag::Id::too_large, place,
                       fmt::format("this expands to more than {} terms", kMaxDefinitionNodes));
  return false;
}

Value checkName(Env env, const ast::Expr& expr) {
  if (env.own)
    if (const auto field = findField(env.scope.policy.headers[*env.own], expr.text))
      return fieldValue(env, *env.own, *field, expr.span);
  if (expr.text == "pkt") {
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::not_a_value, expr.span, "`pkt` is the frame, not a value");
    error.help = "its fields are `pkt.len`, `pkt.ifindex`, `pkt.rx_queue`, `pkt.malformed` and `pkt.unparsed`";
    return failed();
  }
  const Symbol* symbol = lookUp(env.scope, expr.text);
  if (!symbol && expr.text == "payload") {
    const Symbol* transport = lookUp(env.scope, "l4");
    if (transport && transport->kind == SymbolKind::Header)
      return payloadOf(env, transport->index, expr.span);
  }
  if (!symbol && expr.text == "len") {
    diag::Diagnostic& error =
        env.scope.emitter.report(diag::Id::unknown_name, expr.span, "there is no `len` of its own");
    error.help = "which one is meant: `pkt.len`, `ip.len`, `udp.len` or `l4.payload_len`";
    return failed();
  }
  if (!symbol) {
    reportUnknown(env.scope, ast::nameOf(expr), "header or constant");
    return failed();
  }
  if (symbol->kind == SymbolKind::Header)
    return presentValue(symbol->index, expr.span);
  if (symbol->kind == SymbolKind::Constant)
    return constantValue(env, expr, *symbol);
  return notAValue(env, expr, *symbol);
}

Value checkMember(Env env, const ast::Expr& expr) {
  const ast::Expr& base = expr.args[0];
  const Span name = memberName(expr);
  if (isInner(expr))
    return checkInner(env, expr);
  if (base.kind != ast::ExprKind::Name && !isInner(base)) {
    env.scope.emitter.report(diag::Id::not_a_value, expr.span,
                             fmt::format("{} is not a field: a field is `header.field`", quoted(expr.span)));
    return failed();
  }
  if (isInner(base)) {
    const auto header = headerOf(env, base);
    return header ? checkHeaderMember(env, *header, expr, name) : failed();
  }
  if (base.text == "pkt")
    return checkPacketField(env, expr, name);
  const auto header = headerOf(env, base);
  return header ? checkHeaderMember(env, *header, expr, name) : failed();
}

} // namespace xdpc::sema
