// Checks meters: rate, burst, key, and that the cost of a packet and the length of a burst fit the meter's one word
// (see runtime/abi/abi.h). Tested by tests/unit/sema/state_test.cpp.
#include "compiler/sema/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::sema {

namespace {

// A packet's cost is kept in 1/65536 ns and rounded down: at 10 Gpps that is within 0.02 % of the rate.
constexpr uint64_t kMaxPacketRate = 10'000'000'000, kMaxBitRate = 10'000'000'000'000;
// A burst is at most this long, so that the word's 2^63 tell past and future apart.
constexpr uint64_t kMaxBurstSeconds = 16 * 3600;

// The rate's number, and whether it is in bits.
bool checkRate(Scope& scope, const ast::Clauses& clauses, Span span, ir::Meter& meter) {
  if (!clauses.rate) {
    scope.emitter.report(diag::Id::bad_clause, span, "a meter needs a `rate`").help =
        "write `rate 200 pps`, for instance";
    return false;
  }
  const ast::Expr& rate = namedQuantity(scope, *clauses.rate);
  if (rate.kind != ast::ExprKind::Number || rate.dimension == ast::Dimension::none) {
    diag::Diagnostic& error = scope.emitter.report(diag::Id::missing_unit, rate.span,
                                                   fmt::format("{} has no unit of a rate", quoted(rate.span)));
    error.help =
        fmt::format("write `{} pps` for packets or `{} bps` for bits a second", rate.span.text(), rate.span.text());
    return false;
  }
  if (rate.dimension != ast::Dimension::packet_rate && rate.dimension != ast::Dimension::bit_rate) {
    scope.emitter.report(diag::Id::wrong_unit, rate.span, fmt::format("{} is no rate", quoted(rate.span)));
    return false;
  }
  meter.bits = rate.dimension == ast::Dimension::bit_rate;
  meter.rate = rate.number;
  const uint64_t low = meter.bits ? 8 : 1, high = meter.bits ? kMaxBitRate : kMaxPacketRate;
  if (meter.rate >= low && meter.rate <= high)
    return true;
  scope.emitter.report(diag::Id::out_of_range, rate.span,
                       fmt::format("{} is out of range: a rate goes from {} to {} {}", quoted(rate.span), low, high,
                                   meter.bits ? "bps" : "pps"));
  return false;
}

bool checkBurstUnit(Scope& scope, const ast::Expr& burst, bool bits) {
  if (burst.kind != ast::ExprKind::Number)
    return true; // a constant's name
  if (burst.dimension == (bits ? ast::Dimension::bytes : ast::Dimension::none))
    return true;
  if (bits && burst.dimension == ast::Dimension::none)
    scope.emitter
        .report(diag::Id::missing_unit, burst.span,
                fmt::format("{} has no unit: the burst of a bit rate is in bytes", quoted(burst.span)))
        .help = fmt::format("write `{}B` or `{}KiB`", burst.span.text(), burst.span.text());
  else
    scope.emitter.report(
        diag::Id::wrong_unit, burst.span,
        fmt::format("{} is no burst, which is a number of {}", quoted(burst.span), bits ? "bytes" : "packets"));
  return false;
}

bool checkBurst(Scope& scope, const ast::Clauses& clauses, ir::Meter& meter) {
  const uint64_t a_second = meter.bits ? meter.rate / 8 : meter.rate;
  if (!clauses.burst) {
    meter.burst = a_second;
    return true;
  }
  const ast::Expr& burst = withoutGroup(*clauses.burst);
  if (!checkBurstUnit(scope, burst, meter.bits))
    return false;
  const auto value =
      checkConstantNumber({scope, {}}, burst, 1, static_cast<Wide>(a_second) * kMaxBurstSeconds, "this burst");
  if (!value)
    return false;
  meter.burst = static_cast<uint64_t>(*value);
  return true;
}

bool checkMeterKey(Scope& scope, const ast::Clauses& clauses, ir::Meter& meter) {
  if (clauses.per.empty()) {
    if (clauses.capacity)
      refuseClause(scope, clauses.capacity->span, "capacity", "a meter without `per`");
    if (clauses.when_full)
      refuseClause(scope, clauses.when_full->span, "when full", "a meter without `per`");
    return true;
  }
  auto key = checkKey({scope, {}}, clauses.per);
  const auto capacity = checkCapacity(scope, clauses.capacity);
  if (clauses.when_full) {
    const auto word = checkWhenFull(scope, *clauses.when_full, {"evict", "drop", "pass"});
    meter.when_full = static_cast<ir::WhenFull>(word.value_or(0));
  }
  if (!key || !capacity)
    return false;
  meter.key = std::move(key->parts);
  meter.key_type = std::move(key->type);
  meter.capacity = static_cast<uint32_t>(*capacity);
  return true;
}

} // namespace

bool checkMeterClauses(Scope& scope, const ast::Clauses& clauses, Span span, ir::Meter& meter) {
  if (clauses.timeout)
    refuseClause(scope, clauses.timeout->span, "timeout", "a meter");
  if (clauses.count)
    refuseClause(scope, clauses.span, "count", "a meter");
  meter.exact_clock = clauses.clock_exact;
  const bool rate = checkRate(scope, clauses, span, meter) && checkBurst(scope, clauses, meter);
  return checkMeterKey(scope, clauses, meter) && rate;
}

void checkMeter(Scope& scope, const ast::MeterDecl& decl, ir::MeterId id) {
  ir::Meter meter = scope.policy.meters[id];
  meter.was = decl.was ? decl.was->text : "";
  checkMeterClauses(scope, decl.clauses, decl.span, meter);
  scope.policy.meters[id] = std::move(meter);
}

HeaderSet headersOf(const std::vector<ir::Expr>& exprs) {
  HeaderSet headers;
  for (const ir::Expr& expr : exprs) {
    using enum ir::ExprKind;
    if (expr.kind == Field || expr.kind == PayloadLength || expr.kind == LastProtocol)
      headers.insert(expr.header);
    headers.insert(headersOf(expr.args));
  }
  return headers;
}

std::vector<Mask> masksOf(const std::vector<ir::Expr>& key) {
  std::vector<Mask> masks;
  for (const ir::Expr& part : key)
    masks.push_back(part.kind == ir::ExprKind::Mask ? Mask{part.v4_bits, part.v6_bits} : Mask{});
  return masks;
}

} // namespace xdpc::sema
