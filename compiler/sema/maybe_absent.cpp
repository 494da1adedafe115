// `!=` and `not in` are false where something is absent, which is easily mistaken: warns unless the conjunction settles
// it. Tested by tests/lit/warn/maybe_absent*.xf.
#include "compiler/ir/print.h"
#include "compiler/sema/expr.h"
#include "compiler/sema/header_graph.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

// What the operands of a conjunction ask of maps and payloads.
struct Asked {
  std::set<std::string> keys;             // of maps, as text
  std::map<ir::HeaderId, uint64_t> bytes; // of payloads
};

Asked askedBy(const Scope& scope, const std::vector<Value>& conjunction) {
  Asked asked;
  for (const Value& value : conjunction)
    for (const ir::Expr& guard : value.certain_guards)
      if (guard.kind == ir::ExprKind::HasBytes)
        asked.bytes[guard.header] = std::max(asked.bytes[guard.header], guard.number);
      else
        asked.keys.insert(ir::toText(scope.policy, guard));
  return asked;
}

bool isAsked(const Scope& scope, const Asked& asked, const ir::Expr& guard) {
  if (guard.kind != ir::ExprKind::HasBytes)
    return asked.keys.contains(ir::toText(scope.policy, guard));
  const auto bytes = asked.bytes.find(guard.header);
  return bytes != asked.bytes.end() && bytes->second >= guard.number;
}

// Those that no other one of them brings along: with `tcp` there is IP.
std::vector<ir::HeaderId> withoutImplied(const Scope& scope, const HeaderSet& needs) {
  std::vector<ir::HeaderId> out;
  for (const ir::HeaderId id : needs)
    if (std::ranges::none_of(needs, [&](ir::HeaderId other) {
          return other != id && withImplied(scope, {other}).contains(id) &&
                 (other < id || !withImplied(scope, {id}).contains(other));
        }))
      out.push_back(id);
  return out;
}

void addHeaders(const ir::Expr& expr, HeaderSet& headers) {
  if (expr.kind == ir::ExprKind::Field || expr.kind == ir::ExprKind::HasBytes)
    headers.insert(expr.header);
  for (const ir::Expr& arg : expr.args)
    addHeaders(arg, headers);
}

// `ip.src in country`, where the guard's text is `country[ip.src]`; `l4.payload_len >= 2`.
std::string condition(const Scope& scope, const ir::Expr& guard) {
  if (guard.kind == ir::ExprKind::HasBytes)
    return fmt::format("{}.payload_len >= {}", scope.policy.headers[guard.header].name, guard.number);
  const std::string_view text = guard.span.text();
  const size_t open = text.find('[');
  const std::string_view key = text.substr(open + 1, text.size() - open - 2);
  const bool bare = guard.args.size() > 1 && key.find(',') != std::string_view::npos && !key.starts_with('(');
  return fmt::format(fmt::runtime(bare ? "({}) in {}" : "{} in {}"), key, scope.policy.maps[guard.id].name);
}

std::string place(const Scope& scope, const ir::Expr& guard) {
  if (guard.kind == ir::ExprKind::HasBytes)
    return fmt::format("where the payload has less than {} byte{}", guard.number, guard.number == 1 ? "" : "s");
  return fmt::format("where `{}` has nothing for the key", scope.policy.maps[guard.id].name);
}

std::vector<std::string> headerNames(const Scope& scope, const HeaderSet& needs) {
  std::vector<std::string> names;
  for (const ir::HeaderId id : withoutImplied(scope, needs))
    names.push_back(scope.policy.headers[id].name);
  return names;
}

std::string whereFalse(const Scope& scope, const MaybeAbsent& warning) {
  std::vector<std::string> places;
  if (!warning.needs.empty())
    places.push_back(fmt::format("for a packet without `{}`", fmt::join(headerNames(scope, warning.needs), "` or `")));
  for (const ir::Expr& guard : warning.guards)
    places.push_back(place(scope, guard));
  return fmt::format("{}", fmt::join(places, " or "));
}

// What asks for all that may be absent; nothing where a field has no condition of its own.
std::optional<std::string> conditionFor(const Scope& scope, const MaybeAbsent& warning) {
  HeaderSet settled;
  for (const ir::Expr& guard : warning.guards)
    addHeaders(guard, settled);
  HeaderSet needs = warning.needs;
  const HeaderSet known = withImplied(scope, settled);
  needs.removeIf([&](ir::HeaderId id) { return known.contains(id); });
  for (const ir::HeaderId id : needs)
    if (const auto kind = scope.policy.headers[id].kind; kind == ir::HeaderKind::part || kind == ir::HeaderKind::option)
      return std::nullopt;
  std::vector<std::string> conditions = headerNames(scope, needs);
  for (const ir::Expr& guard : warning.guards)
    conditions.push_back(condition(scope, guard));
  return fmt::format("{}", fmt::join(conditions, " and "));
}

std::string positiveOf(std::string text) {
  const size_t unequal = text.find("!="), outside = text.find("not in");
  if (unequal != std::string::npos)
    text.replace(unequal, 2, "==");
  else if (outside != std::string::npos)
    text.replace(outside, 6, "in");
  return text;
}

} // namespace

void setMaybeAbsent(Value& value, Span span) {
  if (!value.certain.empty() || !value.certain_guards.empty())
    value.maybe_absent.push_back({span, value.certain, std::move(value.certain_guards)});
  value.certain.clear();
  value.certain_guards.clear();
}

void settle(const Scope& scope, std::vector<Value>& conjunction) {
  if (std::ranges::all_of(conjunction, [](const Value& value) { return value.maybe_absent.empty(); }))
    return;
  std::map<ir::HeaderId, unsigned> counts;
  std::vector<HeaderSet> certain;
  for (const Value& value : conjunction) {
    certain.push_back(withImplied(scope, value.certain));
    for (ir::HeaderId id : certain.back())
      ++counts[id];
  }
  const Asked asked = askedBy(scope, conjunction);
  for (size_t i = 0; i < conjunction.size(); ++i) {
    for (MaybeAbsent& warning : conjunction[i].maybe_absent) {
      warning.needs.removeIf([&](ir::HeaderId id) { return counts[id] > (certain[i].contains(id) ? 1U : 0U); });
      std::erase_if(warning.guards, [&](const ir::Expr& guard) { return isAsked(scope, asked, guard); });
    }
    std::erase_if(conjunction[i].maybe_absent,
                  [](const MaybeAbsent& warning) { return warning.needs.empty() && warning.guards.empty(); });
  }
}

void reportMaybeAbsent(Scope& scope, const MaybeAbsent& warning) {
  const std::string text(warning.span.text());
  const auto in_place = [&](std::string replacement) {
    return warning.negated ? fmt::format("({})", replacement) : replacement;
  };
  const std::string positive = in_place("not " + positiveOf(text));
  diag::Diagnostic& report =
      scope.emitter.report(diag::Id::maybe_absent, warning.span,
                           fmt::format("{} is false {}", quoted(warning.span), whereFalse(scope, warning)));
  const auto condition = conditionFor(scope, warning);
  if (!condition) {
    report.fixits = {{warning.span, positive}};
    report.help = fmt::format("write `{}`, which is true for it", positive);
    return;
  }
  const std::string asked = in_place(fmt::format("{} and {}", *condition, text));
  report.fixits = {{warning.span, asked}, {warning.span, positive}};
  report.help =
      fmt::format("write `{}`, or `{}`, which is true {}", asked, positive, warning.needs.empty() ? "there" : "for it");
}

} // namespace xdpc::sema
