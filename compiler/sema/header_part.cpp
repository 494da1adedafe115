// Optional fields and options. Tested by tests/unit/sema/header_test.cpp and tests/packet/headers/optional.xf.
#include "compiler/sema/header_part.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header.h"

#include <fmt/format.h>

namespace xdpc::sema {

namespace {

void badHeader(Scope& scope, Span span, std::string message) {
  scope.emitter.report(diag::Id::bad_header, span, std::move(message));
}

ir::HeaderId newPart(Scope& scope, ir::HeaderId of, ir::HeaderKind kind, const std::string& name, Span span) {
  const auto id = static_cast<ir::HeaderId>(scope.policy.headers.size());
  ir::Header header{.name = scope.policy.headers[of].name + "." + name, .kind = kind};
  header.declared = id;
  header.of = of;
  header.span = span;
  scope.policy.headers.push_back(std::move(header));
  scope.headers.push_back({});
  return id;
}

bool full(Scope& scope, Span span) {
  if (scope.policy.headers.size() < kMaxHeaders)
    return false;
  scope.emitter.report(diag::Id::too_large, span,
                       fmt::format("there are more than {} headers and optional fields", kMaxHeaders));
  return true;
}

// Names the part's fields in the header, too.
void publish(Scope& scope, ir::HeaderId id, ir::HeaderId part) {
  const auto count = static_cast<ir::FieldId>(scope.policy.headers[part].fields.size());
  for (ir::FieldId field = 0; field < count; ++field) {
    const ir::Field& source = scope.policy.headers[part].fields[field];
    if (!newName(scope, scope.policy.headers[id], {source.name, source.span}))
      continue;
    ir::Field made{.name = source.name, .type = source.type, .bits = source.bits};
    made.part = ir::PartRef{part, field};
    made.span = source.span;
    addField(scope, id, std::move(made), *scope.headers[part].sources[field]);
  }
}

ir::Expr intExpr(uint64_t value, Span span) {
  return number(static_cast<Wide>(value), span).expr;
}

ir::Expr arith(ir::Op op, ir::Expr left, ir::Expr right) {
  ir::Expr expr;
  expr.kind = ir::ExprKind::Arith;
  expr.op = op;
  expr.type = {ir::TypeKind::Int, 64};
  expr.span = left.span;
  expr.args.push_back(std::move(left));
  expr.args.push_back(std::move(right));
  return expr;
}

bool checkWhen(Scope& scope, ir::HeaderId id, ir::HeaderId part, const ast::Expr& when) {
  Value value = checkCondition({scope, id}, when);
  if (!value.ok)
    return false;
  scope.policy.headers[part].when = std::move(value.expr);
  return true;
}

} // namespace

void addPart(Scope& scope, ir::HeaderId id, const ast::HeaderField& field) {
  if (scope.policy.headers[id].kind == ir::HeaderKind::extension)
    return badHeader(scope, field.span, "the fields of an extension header are always there");
  if (full(scope, field.span))
    return;
  const ir::HeaderId part = newPart(scope, id, ir::HeaderKind::part, field.name.text, field.span);
  const uint32_t bits = addWireField(scope, part, field, 0, std::nullopt);
  if (bits % 8 != 0)
    badHeader(scope, field.span,
              fmt::format("`{}` has {} bit{}, no whole bytes", field.name.text, bits, bits == 1 ? "" : "s"));
  scope.policy.headers[part].min_size = bits / 8;
  scope.headers[id].parts.push_back({part, field.when ? &*field.when : nullptr});
  publish(scope, id, part);
}

void addOption(Scope& scope, ir::HeaderId id, const ast::HeaderOption& option) {
  ir::Header& header = scope.policy.headers[id];
  if (option.number < 2 || option.number > 255)
    return badHeader(scope, option.span, "an option has a number from 2 to 255: 0 ends the options, 1 fills a byte");
  if (option.fields.empty() || full(scope, option.span))
    return;
  for (const ir::Header& other : scope.policy.headers)
    if (other.kind == ir::HeaderKind::option && other.of == id && other.option == option.number) {
      scope.emitter
          .report(diag::Id::header_overlap, option.span, fmt::format("option {} is declared twice", option.number))
          .notes.push_back({other.span, "the first one is here"});
      return;
    }
  const ir::HeaderId part = newPart(scope, id, ir::HeaderKind::option, option.fields[0].name.text, option.span);
  scope.policy.headers[part].option = static_cast<uint8_t>(option.number);
  uint32_t bits = 0;
  for (const ast::HeaderField& field : option.fields) {
    if (!field.type.text.empty()) {
      bits += addWireField(scope, part, field, bits, std::nullopt);
      continue;
    }
    ir::Field flag{.name = field.name.text, .type = {ir::TypeKind::Bool}};
    flag.span = field.span;
    addField(scope, part, std::move(flag), field);
  }
  constexpr uint32_t most = 38 * 8; // of forty bytes, two are its number and its length
  if (bits % 8 != 0 || bits > most)
    badHeader(scope, option.span, fmt::format("the option has {} bits: whole bytes are needed, 38 at most", bits));
  scope.policy.headers[part].min_size = bits / 8;
  header.has_options = true;
  publish(scope, id, part);
}

void addAhead(Scope& scope, ir::HeaderId id) {
  uint32_t bits = 0;
  for (const ast::HeaderField& field : scope.headers[id].decl->fields) {
    if (!field.ahead)
      continue;
    const auto first = static_cast<ir::FieldId>(scope.policy.headers[id].fields.size());
    if (field.when)
      badHeader(scope, field.span, fmt::format("`{}` lies behind the header, and no condition", field.name.text));
    bits += addWireField(scope, id, field, bits, std::nullopt);
    for (ir::FieldId at = first; at < scope.policy.headers[id].fields.size(); ++at)
      scope.policy.headers[id].fields[at].ahead = true;
  }
  if (bits > 64)
    badHeader(scope, scope.headers[id].decl->name.span, "the parser looks at most eight bytes ahead");
}

void boundParts(Scope& scope, ir::HeaderId id, Span span) {
  for (const auto& [part, when] : scope.headers[id].parts) {
    ir::Header& made = scope.policy.headers[part];
    ir::Expr fits;
    fits.kind = ir::ExprKind::Compare;
    fits.op = ir::Op::Ge;
    fits.type = {ir::TypeKind::Bool};
    fits.span = span;
    fits.args.push_back(*scope.policy.headers[id].size);
    fits.args.push_back(arith(ir::Op::Add, *made.start, intExpr(made.min_size, span)));
    if (!made.when) {
      made.when = std::move(fits);
      continue;
    }
    ir::Expr both;
    both.kind = ir::ExprKind::And;
    both.type = {ir::TypeKind::Bool};
    both.span = made.when->span;
    both.args.push_back(std::move(*made.when));
    both.args.push_back(std::move(fits));
    made.when = std::move(both);
  }
}

void buildParts(Scope& scope, ir::HeaderId id) {
  HeaderState& state = scope.headers[id];
  ir::Header& header = scope.policy.headers[id];
  if (!state.decl)
    return;
  ir::Expr start = intExpr(header.min_size, header.span);
  for (const auto& [part, when] : state.parts) {
    ir::Header& made = scope.policy.headers[part];
    made.start = start;
    if (when && !checkWhen(scope, id, part, *when))
      continue;
    ir::Expr bytes = intExpr(made.min_size, made.span);
    if (made.when)
      bytes = arith(ir::Op::Mul, *made.when, std::move(bytes));
    start = arith(ir::Op::Add, std::move(start), std::move(bytes));
  }
  if (!state.parts.empty())
    header.size = std::move(start);
}

} // namespace xdpc::sema
