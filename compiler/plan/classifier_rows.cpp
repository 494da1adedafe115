// Cuts values into lanes, and intervals into rows.
#include "compiler/plan/classifier_rows.h"

#include <algorithm>

namespace xdpc::plan {
namespace {

unsigned bitsOf(const ClassifierValue& value, ir::Domain domain) {
  if (domain != ir::Domain::number)
    return domain == ir::Domain::v4 ? 32 : 128;
  return value.bits;
}

using Piece = std::vector<Bounds>; // by lane, the lowest first

// Appends boxes that together are low to high, over `bits` bits.
void cutUp(ir::u128 low, ir::u128 high, unsigned bits, const Piece& above, std::vector<Piece>& out) {
  if (bits <= 32) {
    Piece piece = {{static_cast<uint32_t>(low), static_cast<uint32_t>(high)}};
    piece.insert(piece.end(), above.begin(), above.end());
    out.push_back(std::move(piece));
    return;
  }
  const unsigned rest = (bits - 1) / 32 * 32;
  const ir::u128 all = (ir::u128{1} << rest) - 1;
  auto first = static_cast<uint32_t>(low >> rest), last = static_cast<uint32_t>(high >> rest);
  const auto put = [&](uint32_t from, uint32_t to, ir::u128 rest_low, ir::u128 rest_high) {
    Piece more = {{from, to}};
    more.insert(more.end(), above.begin(), above.end());
    cutUp(rest_low, rest_high, rest, more, out);
  };
  if (first == last)
    return put(first, first, low & all, high & all);
  if ((low & all) != 0) {
    put(first, first, low & all, all);
    ++first;
  }
  const bool cut_last = (high & all) != all;
  if (cut_last)
    put(last, last, 0, high & all);
  if (first < last || (first == last && !cut_last))
    put(first, last - (cut_last ? 1 : 0), 0, all);
}

// Of a value without its dropped bits. One of few bits is in one piece, and needs no list of them.
template <class Take> void eachPiece(const ClassifierValue& value, const ir::Interval& interval, const Take& take) {
  const ir::u128 step = ir::u128{1} << value.dropped;
  const ir::u128 low = (interval.low + (step - 1)) >> value.dropped, high = interval.high >> value.dropped;
  if (low > high)
    return;
  const unsigned bits = bitsOf(value, interval.domain);
  if (bits <= 32) {
    const Bounds whole{static_cast<uint32_t>(low), static_cast<uint32_t>(high)};
    return take(std::span(&whole, 1));
  }
  std::vector<Piece> pieces;
  cutUp(low, high, bits, {}, pieces);
  for (const Piece& piece : pieces)
    take(std::span(piece));
}

bool matches(const Row& row, uint64_t signature) {
  return (signature & row.wanted) == row.wanted && (signature & row.unwanted) == 0;
}

} // namespace

const ir::Expr& readOf(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Mask ? expr.args[0] : expr;
}

Shape::Shape(const Classifier& classifier, const std::vector<ir::HeaderId>& unions, Domains domains)
    : classifier_(classifier), unions_(unions), domains_(std::move(domains)) {
  for (uint32_t value = 0; value < classifier.values.size(); ++value)
    addLanes(value);
}

void Shape::add(uint32_t rule, const Conjunction& box) {
  const Row row{box.wanted, box.unwanted, rule};
  if (std::ranges::none_of(signatures, [&](uint64_t signature) { return matches(row, signature); }))
    return;
  here_.clear();
  for (const ClassifierLane& lane : lanes_)
    here_.push_back({0, lowBits(lane.value_bits)});
  expand(row, box.values);
}

// Rows that ask for the same headers are in the same groups: few kinds of rows stand for all.
std::vector<RowGroup> Shape::groups() const {
  std::map<std::pair<uint64_t, uint64_t>, size_t> numbers;
  std::vector<size_t> kind_of;
  std::vector<const Row*> kinds;
  for (const Row& row : rows_) {
    const auto [known, fresh] = numbers.try_emplace({row.wanted, row.unwanted}, kinds.size());
    if (fresh)
      kinds.push_back(&row);
    kind_of.push_back(known->second);
  }
  std::vector<RowGroup> groups;
  std::map<std::vector<bool>, size_t> known_groups;
  for (uint64_t signature : signatures) {
    std::vector<bool> in;
    for (const Row* kind : kinds)
      in.push_back(matches(*kind, signature));
    const auto [known, fresh] = known_groups.try_emplace(in, groups.size());
    if (fresh) {
      groups.emplace_back();
      for (uint32_t row = 0; row < rows_.size(); ++row)
        if (in[kind_of[row]])
          groups.back().numbers.push_back(row);
    }
    groups[known->second].signatures.push_back(signature);
  }
  return groups;
}

std::optional<ir::Domain> Shape::domainOf(uint32_t value) const {
  const ir::Type& type = readOf(classifier_.values[value].expr).type;
  switch (type.kind) {
  case ir::TypeKind::Ip:
    return domains_[std::ranges::find(unions_, *classifier_.values[value].header) - unions_.begin()];
  case ir::TypeKind::Ipv4:
    return ir::Domain::v4;
  case ir::TypeKind::Ipv6:
    return ir::Domain::v6;
  default:
    return ir::Domain::number;
  }
}

void Shape::addLanes(uint32_t value) {
  first_lane_.push_back(lanes_.size());
  const auto domain = domainOf(value);
  if (!domain)
    return;
  const unsigned bits = bitsOf(classifier_.values[value], *domain);
  for (unsigned from = 0; from < bits; from += 32)
    lanes_.push_back({.value = value, .from = from, .value_bits = std::min(32u, bits - from)});
}

// Each combination of the values' pieces is a row.
void Shape::expand(const Row& row, std::span<const Conjunction::Bound> rest) {
  if (rest.empty()) {
    rows_.push_back(row);
    bounds_.insert(bounds_.end(), here_.begin(), here_.end());
    return;
  }
  const auto& [value, intervals] = rest.front();
  const auto domain = domainOf(value);
  const auto lanes = here_.begin() + static_cast<ptrdiff_t>(first_lane_[value]);
  for (const ir::Interval& interval : intervals)
    if (interval.domain == domain)
      eachPiece(classifier_.values[value], interval, [&](std::span<const Bounds> piece) {
        std::ranges::copy(piece, lanes);
        expand(row, rest.subspan(1));
      });
}

size_t piecesOf(const ClassifierValue& value, const ir::Interval& interval) {
  size_t pieces = 0;
  eachPiece(value, interval, [&](std::span<const Bounds>) { ++pieces; });
  return pieces;
}

unsigned lanesOf(const ClassifierValue& value) {
  const ir::TypeKind kind = value.expr.type.kind;
  if (kind == ir::TypeKind::Ip || kind == ir::TypeKind::Ipv6)
    return 4;
  return kind == ir::TypeKind::Ipv4 ? 1 : (bitsOf(value, ir::Domain::number) + 31) / 32;
}

} // namespace xdpc::plan
