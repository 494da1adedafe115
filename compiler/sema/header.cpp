// Builds headers: fields packed in order, parts in their fields, derived fields, unions. The graph between headers is
// in header_graph.cpp. Tested by tests/unit/sema/header_test.cpp.
#include "compiler/sema/header.h"
#include "compiler/sema/checksum.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header_graph.h"
#include "compiler/sema/header_part.h"

#include <bit>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

void badHeader(Scope& scope, Span span, std::string message) {
  scope.emitter.report(diag::Id::bad_header, span, std::move(message));
}

ir::HeaderId newHeader(Scope& scope, const ast::HeaderDecl& decl) {
  ir::Header header;
  header.name = decl.name.text;
  header.kind = !decl.alternatives.empty() ? ir::HeaderKind::alternatives
                : decl.extension           ? ir::HeaderKind::extension
                : decl.tunnel              ? ir::HeaderKind::tunnel
                                           : ir::HeaderKind::plain;
  header.declared = static_cast<ir::HeaderId>(scope.policy.headers.size());
  header.span = decl.span;
  scope.policy.headers.push_back(std::move(header));
  scope.headers.push_back({.decl = &decl});
  return static_cast<ir::HeaderId>(scope.policy.headers.size() - 1);
}

// `eth` becomes header 0, wherever it is declared.
bool declareHeaders(Scope& scope, const std::vector<const ast::File*>& files) {
  const ast::HeaderDecl* first = nullptr;
  for (const ast::File* file : files)
    for (const ast::HeaderDecl& decl : file->headers)
      if (!first && !decl.extend && decl.name.text == "eth")
        first = &decl;
  if (!first) {
    badHeader(scope, {}, "the standard library declares no header `eth`");
    return false;
  }
  declare(scope, first->name, SymbolKind::Header, newHeader(scope, *first));
  for (const ast::File* file : files)
    for (const ast::HeaderDecl& decl : file->headers) {
      if (decl.extend || &decl == first)
        continue;
      if (scope.policy.headers.size() == kMaxHeaders) {
        scope.emitter.report(diag::Id::too_large, decl.span,
                             fmt::format("there are more than {} headers", kMaxHeaders));
        return true;
      } else if (declare(scope, decl.name, SymbolKind::Header, static_cast<uint32_t>(scope.policy.headers.size())))
        newHeader(scope, decl);
    }
  return true;
}

} // namespace

bool newName(Scope& scope, const ir::Header& header, const ast::Name& name) {
  const auto before = findField(header, name.text);
  if (!before)
    return true;
  diag::Diagnostic& error = scope.emitter.report(
      diag::Id::duplicate_name, name.span, fmt::format("`{}` has two fields of the name `{}`", header.name, name.text));
  error.notes.push_back({header.fields[*before].span, "the first one is here"});
  return false;
}

void addField(Scope& scope, ir::HeaderId id, ir::Field field, const ast::HeaderField& source) {
  HeaderState& state = scope.headers[id];
  const auto max = typeMax(field.type);
  state.sources.push_back(&source);
  state.derived.push_back(source.derived ? Progress::untouched : Progress::done);
  state.field_low.push_back(0);
  state.field_high.push_back(max.value_or(1));
  scope.policy.headers[id].fields.push_back(std::move(field));
}

uint32_t addWireField(Scope& scope, ir::HeaderId id, const ast::HeaderField& source, uint32_t offset,
                      std::optional<ir::FieldId> whole) {
  const auto type = typeByName(source.type.text);
  if (!type) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::unknown_name, source.type.span,
                                                   fmt::format("there is no type `{}`", source.type.text));
    error.help = "types are `u1` to `u64`, `port`, `mac`, `ipv4` and `ipv6`";
    return 0;
  }
  const uint32_t bits = typeBits(*type);
  const bool number = category(*type) == Category::number || category(*type) == Category::boolean;
  if (!number && offset % 8 != 0)
    badHeader(scope, source.span, fmt::format("`{}` does not start at a byte", source.name.text));
  if (!newName(scope, scope.policy.headers[id], source.name))
    return bits;
  const auto field = static_cast<ir::FieldId>(scope.policy.headers[id].fields.size());
  ir::Field made{.name = source.name.text, .type = *type, .bit_offset = offset, .bits = bits, .whole = whole};
  made.span = source.span;
  addField(scope, id, std::move(made), source);
  uint32_t inner = 0;
  for (const ast::HeaderField& part : source.parts)
    inner += addWireField(scope, id, part, offset + inner, field);
  if (!source.parts.empty() && inner != bits)
    badHeader(scope, source.span,
              fmt::format("the parts of `{}` have {} bits, it has {}", source.name.text, inner, bits));
  return bits;
}

namespace {

void addFields(Scope& scope, ir::HeaderId id) {
  const ast::HeaderDecl& decl = *scope.headers[id].decl;
  uint32_t bits = 0;
  bool moved = false; // behind a field that is not always there
  for (const ast::HeaderField& field : decl.fields) {
    if (field.derived || field.ahead)
      continue;
    moved |= field.when.has_value();
    if (moved)
      addPart(scope, id, field);
    else
      bits += addWireField(scope, id, field, bits, std::nullopt);
  }
  if (bits % 8 != 0)
    badHeader(scope, decl.name.span,
              fmt::format("the fields of `{}` have {} bits, which are no whole bytes", decl.name.text, bits));
  scope.policy.headers[id].min_size = bits / 8;
  addAhead(scope, id);
  for (const ast::HeaderOption& option : decl.options)
    addOption(scope, id, option);
  for (const ast::HeaderField& field : decl.fields)
    if (field.derived && newName(scope, scope.policy.headers[id], field.name)) {
      ir::Field made{.name = field.name.text};
      made.span = field.span;
      addField(scope, id, std::move(made), field);
    }
}

// A derived number is as wide as its values are.
ir::Type derivedType(const Value& value) {
  if (value.expr.type.kind != ir::TypeKind::Int || value.expr.kind == ir::ExprKind::Field)
    return value.expr.type;
  ir::Type type{ir::TypeKind::Int, 64};
  if (value.low >= 0)
    type.bits = static_cast<uint16_t>(std::max<int>(1, std::bit_width(static_cast<uint64_t>(value.high))));
  return type;
}

Value checkDerived(Scope& scope, ir::HeaderId id, const ast::Expr& expr) {
  Value value = checkExpr({scope, id}, expr);
  if (value.ok && value.expr.type.kind == ir::TypeKind::Bool)
    return asCondition({scope, id}, std::move(value), expr.span);
  if (value.ok && !value.needs.empty()) {
    badHeader(scope, expr.span, "a derived number cannot read another header, which may be absent");
    return failed();
  }
  return value;
}

ir::Type commonType(const ir::Type& a, const ir::Type& b, bool& ok) {
  const auto address = [](const ir::Type& type) { return category(type) == Category::address; };
  if (a == b)
    return a;
  if (address(a) && address(b))
    return {ir::TypeKind::Ip};
  if (a.kind == ir::TypeKind::Int && b.kind == ir::TypeKind::Int)
    return {ir::TypeKind::Int, std::max(a.bits, b.bits), a.port && b.port};
  ok = false;
  return a;
}

// The field of the union, if every alternative has one of the name with a type in common.
std::optional<ir::Field> unionField(Scope& scope, const ir::Header& header, const std::string& name, Wide& high) {
  ir::Field field{.name = name};
  field.span = header.span;
  bool ok = true;
  for (ir::HeaderId alternative : header.alternatives) {
    const auto id = findField(scope.policy.headers[alternative], name);
    if (!id || scope.policy.headers[alternative].fields[*id].ahead || !prepareField(scope, alternative, *id))
      return std::nullopt;
    if (scope.policy.headers[alternative].fields[*id].part)
      return std::nullopt; // see partUnion
    const ir::Type& type = scope.policy.headers[alternative].fields[*id].type;
    field.type = field.alternatives.empty() ? type : commonType(field.type, type, ok);
    field.alternatives.push_back(*id);
    high = std::max(high, scope.headers[alternative].field_high[*id]);
  }
  return ok ? std::optional(std::move(field)) : std::nullopt;
}

void resolveAlternatives(Scope& scope, ir::Header& header, const ast::HeaderDecl& decl) {
  for (const ast::Name& name : decl.alternatives) {
    const Symbol* symbol = resolve(scope, name, SymbolKind::Header);
    if (!symbol)
      continue;
    if (scope.policy.headers[symbol->index].kind == ir::HeaderKind::alternatives)
      badHeader(scope, name.span, fmt::format("`{}` stands for several headers", name.text));
    else
      header.alternatives.push_back(symbol->index);
  }
}

} // namespace

void mergeFields(Scope& scope, ir::HeaderId id) {
  ir::Header& header = scope.policy.headers[id];
  HeaderState& state = scope.headers[id];
  if (header.alternatives.empty())
    return;
  const size_t count = scope.policy.headers[header.alternatives[0]].fields.size();
  for (size_t i = 0; i < count; ++i) {
    Wide high = 0;
    auto field = unionField(scope, header, scope.policy.headers[header.alternatives[0]].fields[i].name, high);
    if (!field)
      continue;
    state.sources.push_back(nullptr);
    state.derived.push_back(Progress::done);
    state.field_low.push_back(0);
    state.field_high.push_back(high);
    header.fields.push_back(std::move(*field));
  }
}

std::optional<ir::FieldId> findField(const ir::Header& header, std::string_view name) {
  for (ir::FieldId id = 0; id < header.fields.size(); ++id)
    if (header.fields[id].name == name)
      return id;
  return std::nullopt;
}

std::optional<ir::Type> typeByName(std::string_view name) {
  if (name == "port")
    return ir::Type{ir::TypeKind::Int, 16, true};
  if (name == "mac")
    return ir::Type{ir::TypeKind::Mac};
  if (name == "ipv4")
    return ir::Type{ir::TypeKind::Ipv4};
  if (name == "ipv6")
    return ir::Type{ir::TypeKind::Ipv6};
  if (name.size() < 2 || name.size() > 3 || name[0] != 'u' || name[1] == '0')
    return std::nullopt;
  unsigned bits = 0;
  for (char c : name.substr(1)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    bits = bits * 10 + static_cast<unsigned>(c - '0');
  }
  if (bits > 64)
    return std::nullopt;
  return bits == 1 ? ir::Type{ir::TypeKind::Bool} : ir::Type{ir::TypeKind::Int, static_cast<uint16_t>(bits)};
}

uint32_t typeBits(const ir::Type& type) {
  switch (type.kind) {
  case ir::TypeKind::Bool:
    return 1;
  case ir::TypeKind::Ipv4:
    return 32;
  case ir::TypeKind::Ipv6:
    return 128;
  case ir::TypeKind::Mac:
    return 48;
  default:
    return type.bits;
  }
}

bool prepareField(Scope& scope, ir::HeaderId header, ir::FieldId field) {
  Progress& progress = scope.headers[header].derived[field];
  ir::Field& made = scope.policy.headers[header].fields[field];
  const ast::HeaderField* source = scope.headers[header].sources[field];
  if (progress == Progress::done)
    return made.bits > 0 || made.derived.has_value() || !made.alternatives.empty();
  if (progress == Progress::active) {
    scope.emitter.report(diag::Id::cyclic_definition, source->span,
                         fmt::format("`{}.{}` is defined by itself", scope.policy.headers[header].name, made.name));
    progress = Progress::done;
    return false;
  }
  progress = Progress::active;
  Value value = checkDerived(scope, header, *source->derived);
  progress = Progress::done;
  if (!value.ok || !boundedDefinition(scope, source->span, value))
    return false;
  made.type = derivedType(value);
  made.derived = std::move(value.expr);
  scope.headers[header].field_low[field] = value.low;
  scope.headers[header].field_high[field] = made.type.kind == ir::TypeKind::Bool ? 1 : value.high;
  return true;
}

void buildHeaders(Scope& scope, const std::vector<const ast::File*>& files) {
  scope.policy.headers.reserve(kMaxAllHeaders); // no reference to one moves
  scope.headers.reserve(kMaxAllHeaders);
  if (!declareHeaders(scope, files))
    return;
  const auto count = static_cast<ir::HeaderId>(scope.policy.headers.size());
  const auto each = [&](ir::HeaderKind kind, bool equal, auto&& build) {
    for (ir::HeaderId id = 0; id < count; ++id)
      if ((scope.policy.headers[id].kind == kind) == equal)
        build(id);
  };
  using enum ir::HeaderKind;
  each(alternatives, false, [&](ir::HeaderId id) { addFields(scope, id); });
  each(alternatives, false, [&](ir::HeaderId id) {
    for (ir::FieldId field = 0; field < scope.policy.headers[id].fields.size(); ++field)
      prepareField(scope, id, field);
  });
  each(alternatives, true, [&](ir::HeaderId id) {
    resolveAlternatives(scope, scope.policy.headers[id], *scope.headers[id].decl);
    mergeFields(scope, id);
  });
  each(alternatives, false, [&](ir::HeaderId id) { buildParts(scope, id); });
  each(alternatives, false, [&](ir::HeaderId id) { buildPayload(scope, id, *scope.headers[id].decl); });
  for (const ast::File* file : files)
    for (const ast::HeaderDecl& decl : file->headers)
      if (decl.extend)
        extendHeader(scope, decl);
  markIpInIp(scope);
  extendTags(scope);
  relateHeaders(scope);
  checkGraph(scope);
  setChecksumRules(scope.policy);
}

} // namespace xdpc::sema
