// Constant sets: collects the elements of literals, then brings them into canonical form for one use: sorted, disjoint,
// not adjacent. Tested by tests/unit/sema/constant_test.cpp.
#include "compiler/sema/const_set.h"
#include "compiler/ir/intervals.h"
#include "compiler/ir/print.h"
#include "compiler/sema/list_file.h"
#include "compiler/sema/payload.h"
#include "runtime/abi/mac_number.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace xdpc::sema {

void suggestRange(diag::Diagnostic& error, const ast::Expr& expr) {
  using enum ast::ExprKind;
  const auto is_end = [](const ast::Expr& end) { return end.kind == Number || end.kind == Address; };
  if (expr.kind != Binary || expr.op != ast::Op::Sub || !is_end(expr.args[0]) || !is_end(expr.args[1]))
    return;
  error.help = "a range has no blanks around its `-`";
  error.fixits.push_back({{expr.span.file, expr.args[0].span.end, expr.args[1].span.begin}, "-"});
}

namespace {

using ir::u128;

std::optional<RawPart> valuePart(Env env, const ast::Expr& expr) {
  const Value value = checkExpr(env, expr);
  if (!value.ok)
    return std::nullopt;
  if (!value.constant || category(value.expr.type) == Category::boolean) {
    env.scope.emitter.report(diag::Id::not_constant, expr.span,
                             fmt::format("{} is no constant element", quoted(expr.span)));
    return std::nullopt;
  }
  switch (category(value.expr.type)) {
  case Category::address: {
    const u128 number = ir::numberOf(*value.expr.address);
    const abi::Family family = value.expr.address->family;
    return RawPart{Category::address, {ir::domainOf(family), number, number}, abi::addressBits(family), expr.span};
  }
  case Category::mac:
    return RawPart{Category::mac, {ir::Domain::number, value.expr.number, value.expr.number}, {}, expr.span};
  case Category::bytes: {
    const std::string& bytes = *value.expr.bytes;
    const u128 number = bytes.size() <= 8 ? bytesNumber(bytes) : 0;
    return RawPart{Category::bytes, {ir::Domain::number, number, number}, {}, expr.span, bytes};
  }
  default:
    break;
  }
  if (value.low < 0) {
    suggestRange(env.scope.emitter.report(diag::Id::out_of_range, expr.span,
                                          fmt::format("{} is negative: no field holds it", quoted(expr.span))),
                 expr);
    return std::nullopt;
  }
  const auto number = static_cast<u128>(value.low);
  return RawPart{Category::number, {ir::Domain::number, number, number}, {}, expr.span};
}

std::optional<RawPart> rangePart(Env env, const ast::Expr& expr) {
  const auto low = valuePart(env, expr.args[0]), high = valuePart(env, expr.args[1]);
  if (!low || !high)
    return std::nullopt;
  // What is wrong with a range by itself was said when it was read.
  if (low->category != high->category || low->interval.domain != high->interval.domain ||
      low->interval.low > high->interval.low)
    return std::nullopt;
  return RawPart{low->category, {low->interval.domain, low->interval.low, high->interval.low}, {}, expr.span};
}

// The name of a range, or of another set of one element, stands for it in a tuple.
const RawPart* namedPart(Env env, const ast::Expr& expr) {
  const Symbol* symbol = expr.kind == ast::ExprKind::Name ? lookUp(env.scope, expr.text) : nullptr;
  if (!symbol || symbol->kind != SymbolKind::Constant)
    return nullptr;
  const Constant* constant = prepareConstant(env.scope, symbol->index);
  const bool single = constant && constant->is_set && constant->raw.elements.size() == 1;
  return single && constant->raw.elements[0].size() == 1 ? &constant->raw.elements[0][0] : nullptr;
}

std::optional<RawPart> part(Env env, const ast::Expr& expr) {
  if (const RawPart* named = namedPart(env, expr))
    return *named;
  if (expr.kind == ast::ExprKind::Prefix)
    return prefixPart(*expr.prefix, expr.span);
  if (expr.kind == ast::ExprKind::Range)
    return rangePart(env, expr);
  return valuePart(env, expr);
}

const Constant* constantSet(Env env, const ast::Expr& expr, bool& failed) {
  const Symbol* symbol = expr.kind == ast::ExprKind::Name ? lookUp(env.scope, expr.text) : nullptr;
  if (!symbol || symbol->kind != SymbolKind::Constant)
    return nullptr;
  const Constant* constant = prepareConstant(env.scope, symbol->index);
  failed = !constant || (!constant->is_set && !constant->value.ok);
  return constant && constant->is_set ? constant : nullptr;
}

bool room(Env env, Span span, size_t more) {
  env.scope.raw_elements += more;
  if (env.scope.raw_elements <= kMaxConstElements)
    return true;
  if (env.scope.raw_elements - more <= kMaxConstElements)
    env.scope.emitter.report(diag::Id::too_large, span,
                             fmt::format("the constant sets have more than {} elements", kMaxConstElements));
  return false;
}

void collectInto(Env env, const ast::Expr& expr, RawSet& out) {
  bool failed = false;
  if (const Constant* constant = constantSet(env, expr, failed)) {
    out.ok &= constant->raw.ok && room(env, expr.span, constant->raw.elements.size());
    if (out.ok)
      out.elements.insert(out.elements.end(), constant->raw.elements.begin(), constant->raw.elements.end());
    return;
  }
  if (expr.kind == ast::ExprKind::Load) {
    RawSet loaded = loadElements(env, expr);
    out.ok &= loaded.ok && room(env, expr.span, loaded.elements.size());
    if (out.ok)
      std::ranges::move(loaded.elements, std::back_inserter(out.elements));
    return;
  }
  if (failed || !room(env, expr.span, 1)) {
    out.ok = false;
    return;
  }
  auto element = collectElement(env, expr);
  if (element)
    out.elements.push_back(std::move(*element));
  else
    out.ok = false;
}

// ---- canonical form

struct Conversion {
  Scope& scope;
  const std::vector<ir::Type>& types;
  const ConstSetUse& use;
  unsigned errors = 0;
};

bool reject(Conversion& c, diag::Id id, Span span, std::string message) {
  constexpr unsigned shown = 5; // of a list that is wrong as a whole
  if (c.errors++ < shown)
    c.scope.emitter.report(id, span, std::move(message));
  return false;
}

enum class Fit : uint8_t { yes, never, error };

Fit fitAddress(Conversion& c, const RawPart& part, const ir::Type& type) {
  const bool v4 = part.interval.domain == ir::Domain::v4;
  if (type.kind == ir::TypeKind::Ip || (type.kind == ir::TypeKind::Ipv4) == v4)
    return Fit::yes;
  if (c.use.skip_other_family)
    return Fit::never;
  reject(c, diag::Id::type_mismatch, part.span,
         fmt::format("{} is of the other family than `{}`", quoted(part.span), c.use.value));
  return Fit::error;
}

Fit fitBytes(Conversion& c, const RawPart& part, const ir::Type& type) {
  if (type.bits > 64)
    reject(c, diag::Id::type_mismatch, c.use.span,
           fmt::format("`{}` has slices of more than 8 bytes, which no tuple holds", c.use.value));
  else if (part.bytes.size() * 8 == type.bits)
    return Fit::yes;
  else
    reject(
        c, diag::Id::type_mismatch, part.span,
        fmt::format("{} has {} bytes, `{}` has {}", quoted(part.span), part.bytes.size(), c.use.value, type.bits / 8));
  return Fit::error;
}

Fit fitPart(Conversion& c, const RawPart& part, const ir::Type& type) {
  const Category wanted = category(type);
  if (part.category != wanted) {
    reject(c, diag::Id::type_mismatch, part.span,
           fmt::format("{} is {}, `{}` is {}", quoted(part.span), categoryName(part.category), c.use.value,
                       categoryName(wanted)));
    return Fit::error;
  }
  if (wanted == Category::address)
    return fitAddress(c, part, type);
  if (wanted == Category::bytes)
    return fitBytes(c, part, type);
  if (wanted == Category::number && part.interval.high > static_cast<u128>(*typeMax(type))) {
    reject(c, diag::Id::out_of_range, part.span,
           fmt::format("{} does not fit `{}`, which goes to {}", quoted(part.span), c.use.value,
                       static_cast<uint64_t>(*typeMax(type))));
    return Fit::error;
  }
  return Fit::yes;
}

Fit fitElement(Conversion& c, const RawElement& element) {
  if (element.size() != c.types.size()) {
    reject(c, diag::Id::bad_element, join(element.front().span, element.back().span),
           fmt::format("an element of {} part{} is looked for among elements of {}", c.types.size(),
                       c.types.size() == 1 ? "" : "s", element.size()));
    return Fit::error;
  }
  for (size_t i = 0; i < element.size(); ++i)
    if (const Fit fit = fitPart(c, element[i], c.types[i]); fit != Fit::yes)
      return fit;
  return Fit::yes;
}

bool touches(const ir::Interval& before, const ir::Interval& next) {
  if (before.domain != next.domain)
    return false;
  return next.low <= before.high || next.low - before.high == 1;
}

// One part: sorted by domain and start, overlapping and adjacent intervals joined.
void canonical(std::vector<std::vector<ir::Interval>>& elements) {
  if (elements.size() < 2)
    return;
  std::sort(elements.begin(), elements.end(), [](const auto& a, const auto& b) {
    return std::pair(a[0].domain, a[0].low) < std::pair(b[0].domain, b[0].low);
  });
  std::vector<std::vector<ir::Interval>> out;
  for (auto& element : elements) {
    if (!out.empty() && touches(out.back()[0], element[0]))
      out.back()[0].high = std::max(out.back()[0].high, element[0].high);
    else
      out.push_back(std::move(element));
  }
  elements = std::move(out);
}

} // namespace

RawPart prefixPart(const abi::Prefix& prefix, Span span) {
  return {Category::address, ir::intervalOf(prefix), prefix.length, span};
}

RawPart macPart(const abi::Mac& mac, Span span) {
  const u128 number = abi::numberOf(mac);
  return {Category::mac, {ir::Domain::number, number, number}, {}, span};
}

std::optional<RawElement> collectElement(Env env, const ast::Expr& expr) {
  const ast::Expr& inner = withoutGroup(expr);
  RawElement element;
  if (inner.kind != ast::ExprKind::Tuple) {
    auto one = part(env, inner);
    if (!one)
      return std::nullopt;
    element.push_back(std::move(*one));
    return element;
  }
  for (const ast::Expr& arg : inner.args) {
    auto one = part(env, withoutGroup(arg));
    if (!one)
      return std::nullopt;
    element.push_back(std::move(*one));
  }
  return element;
}

RawSet collectElements(Env env, const ast::Expr& expr) {
  RawSet out;
  if (expr.kind != ast::ExprKind::Set) {
    collectInto(env, expr, out);
    return out;
  }
  for (const ast::Expr& arg : expr.args)
    collectInto(env, arg, out);
  return out;
}

std::optional<ir::ConstSetId> makeConstSet(Scope& scope, const RawSet& raw, const std::vector<ir::Type>& parts,
                                           const ConstSetUse& use) {
  if (!raw.ok)
    return std::nullopt;
  Conversion conversion{scope, parts, use};
  ir::ConstSet set{.name = use.name, .parts = parts};
  set.span = use.span;
  for (const RawElement& element : raw.elements) {
    if (fitElement(conversion, element) != Fit::yes)
      continue;
    std::vector<ir::Interval>& made = set.elements.emplace_back();
    made.reserve(element.size());
    for (const RawPart& part : element)
      made.push_back(part.interval);
  }
  if (conversion.errors > 0)
    return std::nullopt;
  if (set.elements.empty() && !raw.elements.empty()) {
    scope.emitter.report(diag::Id::type_mismatch, use.span,
                         fmt::format("`{}` has no element of the family of `{}`", use.name, use.value));
    return std::nullopt;
  }
  for (ir::Type& part : set.parts)
    if (part.kind == ir::TypeKind::Bytes)
      part.kind = ir::TypeKind::Int; // of up to eight bytes, as numbers
  if (parts.size() == 1)
    canonical(set.elements);
  scope.policy.const_sets.push_back(std::move(set));
  return static_cast<ir::ConstSetId>(scope.policy.const_sets.size() - 1);
}

} // namespace xdpc::sema
