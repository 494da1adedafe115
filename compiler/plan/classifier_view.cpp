// Makes rows, lays lanes out in words, and builds a tree for each signature.
#include "compiler/plan/classifier_view.h"
#include "compiler/plan/classifier_signature.h"

#include <algorithm>
#include <bit>
#include <set>

namespace xdpc::plan {
namespace {

using Domains = std::vector<std::optional<ir::Domain>>; // by union of both families

uint32_t lowBits(unsigned count) {
  return count >= 32 ? ~0u : (1u << count) - 1;
}

// What a value is under a mask.
const ir::Expr& readOf(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Mask ? expr.args[0] : expr;
}

unsigned bitsOf(const ClassifierValue& value, ir::Domain domain) {
  if (domain != ir::Domain::number)
    return domain == ir::Domain::v4 ? 32 : 128;
  return value.bits;
}

struct Bounds {
  uint32_t low, high;
};
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

// Of a value without its dropped bits.
std::vector<Piece> piecesIn(const ClassifierValue& value, const ir::Interval& interval) {
  std::vector<Piece> pieces;
  const ir::u128 step = ir::u128{1} << value.dropped;
  const ir::u128 low = (interval.low + (step - 1)) >> value.dropped, high = interval.high >> value.dropped;
  if (low <= high)
    cutUp(low, high, bitsOf(value, interval.domain), {}, pieces);
  return pieces;
}

struct Row {
  std::vector<Bounds> bounds;        // by lane
  uint64_t wanted = 0, unwanted = 0; // atoms
  uint32_t rule = 0;
};

// The rows of one shape of packets.
class View {
public:
  View(const Classifier& classifier, const std::vector<ir::HeaderId>& unions, Domains domains)
      : classifier_(classifier), unions_(unions), domains_(std::move(domains)) {
    for (uint32_t value = 0; value < classifier.values.size(); ++value)
      addLanes(value);
  }

  const std::vector<ClassifierLane>& lanes() const { return lanes_; }
  const std::vector<Row>& rows() const { return rows_; }
  std::vector<uint64_t> signatures;

  void add(uint32_t rule, const Conjunction& box) {
    Row row{.bounds = {}, .rule = rule};
    for (const auto& [atom, there] : box.atoms)
      (there ? row.wanted : row.unwanted) |= uint64_t{1} << atom;
    const auto fits = [&](uint64_t signature) { return matches(row, signature); };
    if (std::ranges::none_of(signatures, fits))
      return;
    for (const ClassifierLane& lane : lanes_)
      row.bounds.push_back({0, lowBits(lane.bits)});
    expand(row, box, box.values.begin());
  }

  static bool matches(const Row& row, uint64_t signature) {
    return (signature & row.wanted) == row.wanted && (signature & row.unwanted) == 0;
  }

private:
  std::optional<ir::Domain> domainOf(uint32_t value) const {
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

  void addLanes(uint32_t value) {
    first_lane_.push_back(lanes_.size());
    const auto domain = domainOf(value);
    if (!domain)
      return;
    const unsigned bits = bitsOf(classifier_.values[value], *domain);
    for (unsigned from = 0; from < bits; from += 32)
      lanes_.push_back({.value = value, .from = from, .bits = std::min(32u, bits - from)});
  }

  // Each combination of the values' pieces is a row.
  void expand(const Row& row, const Conjunction& box, std::map<uint32_t, Intervals>::const_iterator next) {
    if (next == box.values.end()) {
      rows_.push_back(row);
      return;
    }
    const auto& [value, intervals] = *next;
    const auto domain = domainOf(value);
    for (const ir::Interval& interval : intervals) {
      if (interval.domain != domain)
        continue;
      for (const Piece& piece : piecesIn(classifier_.values[value], interval)) {
        Row bounded = row;
        std::ranges::copy(piece, bounded.bounds.begin() + static_cast<ptrdiff_t>(first_lane_[value]));
        expand(bounded, box, std::next(next));
      }
    }
  }

  const Classifier& classifier_;
  const std::vector<ir::HeaderId>& unions_;
  Domains domains_;
  std::vector<ClassifierLane> lanes_;
  std::vector<size_t> first_lane_; // by value
  std::vector<Row> rows_;
};

// Lanes into words, the wide ones first; each with a free bit above it.
unsigned layOut(std::vector<ClassifierLane>& lanes) {
  std::vector<size_t> order(lanes.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::stable_sort(order, [&](size_t one, size_t other) { return lanes[one].bits > lanes[other].bits; });
  std::vector<unsigned> used;
  for (size_t i : order) {
    const unsigned room = lanes[i].bits + 1;
    auto word = std::ranges::find_if(used, [&](unsigned bits) { return bits + room <= 64; });
    if (word == used.end())
      word = used.insert(used.end(), 0);
    lanes[i].word = static_cast<unsigned>(word - used.begin());
    lanes[i].shift = *word;
    *word += room;
  }
  return std::max<unsigned>(1, used.size());
}

class ViewMaker {
public:
  ViewMaker(const std::vector<RunRule>& rules, Classifier& classifier) : rules_(rules), classifier_(classifier) {}

  // The view's roots go into the classifier.
  bool run(const View& view, ViewTables& tables, ClassifierView& made) {
    const auto index = static_cast<uint32_t>(classifier_.views.size());
    takeLanes(view, made);
    writeBounds(view, made, tables);
    writeResults(view, tables);
    TreeRows rows = treeRows(view, made);
    std::map<std::vector<uint32_t>, ClassifierRoot> known;
    double slowest = 0;
    for (uint64_t signature : view.signatures) {
      const std::vector<uint32_t> numbers = matching(view, signature);
      auto [root, fresh] = known.try_emplace(numbers);
      if (fresh && !numbers.empty()) {
        Trees trees;
        if (!buildTrees(rows, numbers, tables.forest, trees))
          return false;
        root->second = {index, trees.roots, bodiesOf(view, numbers)};
        slowest = std::max(slowest, trees.cost);
      }
      classifier_.roots[signature] = root->second;
      made.trees = std::max<unsigned>(made.trees, root->second.trees.size());
    }
    made.depth = tables.forest.depth;
    made.longest = tables.forest.longest;
    made.nanoseconds = slowest;
    return true;
  }

private:
  // Those that some row bounds.
  void takeLanes(const View& view, ClassifierView& made) {
    for (size_t i = 0; i < view.lanes().size(); ++i) {
      const uint32_t top = lowBits(view.lanes()[i].bits);
      const auto bounds = [&](const Row& row) { return row.bounds[i].low > 0 || row.bounds[i].high < top; };
      if (std::ranges::none_of(view.rows(), bounds))
        continue;
      made.lanes.push_back(view.lanes()[i]);
      taken_.push_back(i);
    }
    made.words = layOut(made.lanes);
    made.guards.assign(made.words, 0);
    for (const ClassifierLane& lane : made.lanes)
      made.guards[lane.word] |= uint64_t{1} << (lane.shift + lane.bits);
  }

  void writeBounds(const View& view, const ClassifierView& made, ViewTables& tables) const {
    for (const Row& row : view.rows()) {
      std::vector<uint64_t> words(size_t{2} * made.words, 0);
      for (unsigned word = 0; word < made.words; ++word)
        words[2 * word + 1] = made.guards[word];
      for (size_t i = 0; i < made.lanes.size(); ++i) {
        const ClassifierLane& lane = made.lanes[i];
        words[2 * lane.word] |= uint64_t{row.bounds[taken_[i]].low} << lane.shift;
        words[2 * lane.word + 1] |= uint64_t{row.bounds[taken_[i]].high} << lane.shift;
      }
      tables.bounds.push_back(std::move(words));
    }
  }

  void writeResults(const View& view, ViewTables& tables) const {
    const auto& rows = view.rows();
    for (size_t i = 0; i < rows.size();) {
      size_t behind = i;
      while (behind < rows.size() && rows[behind].rule == rows[i].rule)
        ++behind;
      const RunRule& rule = rules_[rows[i].rule];
      const uint64_t result = ClassifierResult::kFound | uint64_t{rule.slot} << ClassifierResult::kSlotAt |
                              uint64_t{rule.body} << ClassifierResult::kBodyAt | behind;
      tables.results.insert(tables.results.end(), behind - i, result);
      i = behind;
    }
  }

  TreeRows treeRows(const View& view, const ClassifierView& made) const {
    TreeRows rows;
    for (const ClassifierLane& lane : made.lanes)
      rows.lanes.push_back({.bits = lane.bits, .word = lane.word, .shift = lane.shift, .value = lane.value});
    for (const Row& row : view.rows()) {
      const uint32_t body = rules_[row.rule].body;
      rows.goes_on.push_back(body >= kFirstBody && classifier_.bodies[body - kFirstBody].goes_on);
      for (size_t i : taken_) {
        rows.low.push_back(row.bounds[i].low);
        rows.high.push_back(row.bounds[i].high);
      }
    }
    return rows;
  }

  std::vector<uint32_t> bodiesOf(const View& view, const std::vector<uint32_t>& numbers) const {
    std::set<uint32_t> bodies;
    for (uint32_t number : numbers)
      if (const uint32_t body = rules_[view.rows()[number].rule].body; body >= kFirstBody)
        bodies.insert(body);
    return {bodies.begin(), bodies.end()};
  }

  static std::vector<uint32_t> matching(const View& view, uint64_t signature) {
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < view.rows().size(); ++i)
      if (View::matches(view.rows()[i], signature))
        numbers.push_back(i);
    return numbers;
  }

  const std::vector<RunRule>& rules_;
  Classifier& classifier_;
  std::vector<size_t> taken_; // lanes of the view, by lane of the table
};

// The unions whose addresses are of either family.
std::vector<ir::HeaderId> unionsOf(const Classifier& classifier) {
  std::vector<ir::HeaderId> unions;
  for (const ClassifierValue& value : classifier.values)
    if (readOf(value.expr).type.kind == ir::TypeKind::Ip && std::ranges::find(unions, *value.header) == unions.end())
      unions.push_back(*value.header);
  return unions;
}

// The families under a signature: the alternatives of the unions are atoms.
Domains domainsOf(const ir::Policy& policy, const Classifier& classifier, const std::vector<ir::HeaderId>& unions,
                  uint64_t signature) {
  Domains domains;
  for (ir::HeaderId id : unions) {
    std::optional<ir::Domain>& domain = domains.emplace_back();
    const auto value = std::ranges::find_if(classifier.values, [&](const ClassifierValue& one) {
      return one.header == id && readOf(one.expr).type.kind == ir::TypeKind::Ip;
    });
    const ir::Field& field = policy.headers[id].fields[readOf(value->expr).field];
    for (size_t i = 0; i < policy.headers[id].alternatives.size(); ++i) {
      const ir::HeaderId header = policy.headers[id].alternatives[i];
      const auto atom = std::ranges::find(classifier.atoms, header) - classifier.atoms.begin();
      const bool v4 = policy.headers[header].fields[field.alternatives[i]].type.kind == ir::TypeKind::Ipv4;
      if (!domain && (signature >> atom & 1))
        domain = v4 ? ir::Domain::v4 : ir::Domain::v6;
    }
  }
  return domains;
}

} // namespace

size_t piecesOf(const ClassifierValue& value, const ir::Interval& interval) {
  return piecesIn(value, interval).size();
}

unsigned lanesOf(const ClassifierValue& value) {
  const ir::TypeKind kind = value.expr.type.kind;
  if (kind == ir::TypeKind::Ip || kind == ir::TypeKind::Ipv6)
    return 4;
  return kind == ir::TypeKind::Ipv4 ? 1 : (bitsOf(value, ir::Domain::number) + 31) / 32;
}

bool makeViews(const ir::Policy& policy, const std::vector<RunRule>& rules, Classifier& classifier,
               std::vector<ViewTables>& tables) {
  const std::vector<ir::HeaderId> unions = unionsOf(classifier);
  std::map<Domains, View> views;
  for (uint64_t signature : possibleSignatures(policy, classifier.atoms)) {
    Domains domains = domainsOf(policy, classifier, unions, signature);
    views.try_emplace(domains, classifier, unions, domains).first->second.signatures.push_back(signature);
  }
  for (auto& [domains, view] : views) {
    for (uint32_t rule = 0; rule < rules.size(); ++rule)
      for (const Conjunction& box : rules[rule].boxes)
        view.add(rule, box);
    if (view.rows().empty()) {
      for (uint64_t signature : view.signatures)
        classifier.roots[signature] = {};
      continue;
    }
    if (view.rows().size() > ClassifierResult::kMaxRows)
      return false;
    ClassifierView made;
    if (!ViewMaker(rules, classifier).run(view, tables.emplace_back(), made))
      return false;
    classifier.views.push_back(std::move(made));
  }
  return true;
}

} // namespace xdpc::plan
