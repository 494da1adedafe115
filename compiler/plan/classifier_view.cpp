// Lays lanes out in words, and builds trees for each signature.
#include "compiler/plan/classifier_view.h"
#include "compiler/plan/classifier_points.h"
#include "compiler/plan/classifier_rank.h"
#include "compiler/plan/classifier_signature.h"
#include "compiler/plan/classifier_walks.h"

#include <algorithm>
#include <ranges>

namespace xdpc::plan {
namespace {

// Lanes into words, the wide ones first; each with a free bit above it, and the highest one of all free, too. In a word
// the narrow ones lie lowest: windows of the others are then high enough to be paired (see CutChooser::pair).
unsigned layOut(std::vector<ClassifierLane>& lanes) {
  std::vector<size_t> order(lanes.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::stable_sort(order, [&](size_t one, size_t other) { return lanes[one].bits > lanes[other].bits; });
  std::vector<unsigned> used;
  for (size_t i : order) {
    const unsigned room = lanes[i].bits + 1;
    auto word = std::ranges::find_if(used, [&](unsigned bits) { return bits + room <= 63; });
    if (word == used.end())
      word = used.insert(used.end(), 0);
    lanes[i].word = static_cast<unsigned>(word - used.begin());
    *word += room;
  }
  std::ranges::fill(used, 0);
  for (size_t i : order | std::views::reverse) {
    lanes[i].shift = used[lanes[i].word];
    used[lanes[i].word] += lanes[i].bits + 1;
  }
  return std::max<unsigned>(1, used.size());
}

constexpr unsigned kNarrowLane = 16; // bits: ranks of such lanes are small tables
constexpr unsigned kFewWords = 2;    // of a key; ranks make longer ones shorter

class ViewMaker {
public:
  ViewMaker(const std::vector<RunRule>& rules, Classifier& classifier) : rules_(rules), classifier_(classifier) {}

  // The view's roots go into the classifier.
  bool run(const Shape& shape, ViewTables& tables, ClassifierView& made) {
    const auto index = static_cast<uint32_t>(classifier_.views.size());
    takeBounded(shape, made);
    const std::vector<RowGroup> groups = shape.groups();
    if (makePointHash({shape, groups, rules_, taken_}, classifier_, tables, made))
      return true;
    layOutLanes(shape, made);
    const TreeRows rows = treeRows(shape, made);
    writeBounds(rows, made, tables);
    writeResults(shape, tables);
    tables.forest.nodes = {emptyLeaf(rows)};
    Walks walks;
    for (const RowGroup& group : groups) {
      ClassifierRoot root;
      if (!group.numbers.empty()) {
        Trees trees;
        if (!buildTrees(rows, group.numbers, tables.forest, trees))
          return false;
        walks.add(rows, group.numbers, tables.forest, trees);
        root = {index, trees.roots, bodiesOf(shape, rules_, group.numbers)};
        made.nanoseconds = std::max(made.nanoseconds, trees.cost);
      }
      for (uint64_t signature : group.signatures)
        classifier_.roots[signature] = root;
    }
    made.walks = walks.likely();
    made.longest = tables.forest.longest;
    return true;
  }

private:
  // Lanes that some row bounds.
  void takeBounded(const Shape& shape, ClassifierView& made) {
    for (size_t i = 0; i < shape.lanes().size(); ++i) {
      const uint32_t top = lowBits(shape.lanes()[i].value_bits);
      bool bounded = false;
      for (size_t row = 0; row < shape.rows().size() && !bounded; ++row)
        bounded = shape.bounds(row, i).low > 0 || shape.bounds(row, i).high < top;
      if (!bounded)
        continue;
      made.lanes.push_back(shape.lanes()[i]);
      taken_.push_back(i);
    }
  }

  // As numbers for a tree: narrow values by rank.
  void layOutLanes(const Shape& shape, ClassifierView& made) {
    ranks_.resize(made.lanes.size());
    for (size_t i = 0; i < made.lanes.size(); ++i)
      rank(shape, made, i, made.lanes[i].value_bits <= kNarrowLane);
    made.words = layOut(made.lanes);
    if (made.words > kFewWords) {
      for (size_t i = 0; i < made.lanes.size(); ++i)
        rank(shape, made, i, !ranks_[i]);
      made.words = layOut(made.lanes);
    }
    made.guards.assign(made.words, 0);
    for (const ClassifierLane& lane : made.lanes)
      made.guards[lane.word] |= uint64_t{1} << (lane.shift + lane.bits);
  }

  // Ranks in place of the lane's bits, if wanted and if there are fewer.
  void rank(const Shape& shape, ClassifierView& made, size_t i, bool wanted) {
    ClassifierLane& lane = made.lanes[i];
    if (!wanted) {
      lane.bits = ranks_[i] ? lane.bits : lane.value_bits;
      return;
    }
    const uint32_t top = lowBits(lane.value_bits);
    std::vector<uint32_t> starts;
    for (size_t row = 0; row < shape.rows().size(); ++row) {
      const Bounds bounds = shape.bounds(row, taken_[i]);
      starts.push_back(bounds.low);
      if (bounds.high < top)
        starts.push_back(bounds.high + 1);
    }
    Ranks ranks(std::move(starts));
    lane.bits = lane.value_bits;
    if (ranks.bits() >= lane.value_bits)
      return;
    auto tables = tablesOf(ranks, lane.value_bits);
    if (!tables)
      return;
    lane.bits = ranks.bits();
    ranks_[i].emplace(std::move(ranks), std::move(*tables));
  }

  // What is subtracted and added stays within each lane and its guard.
  void writeBounds(const TreeRows& rows, const ClassifierView& made, ViewTables& tables) {
    const size_t lanes = rows.lanes.size();
    for (uint32_t row = 0; row <= rows.none(); ++row)
      for (unsigned word = 0; word < made.words; ++word) {
        uint64_t below = 0, above = made.guards[word];
        for (size_t i = 0; i < lanes; ++i) {
          const TreeLane& lane = rows.lanes[i];
          if (lane.word != word)
            continue;
          // Of the row that no packet matches, everything is below the one or above the other.
          const uint64_t low = row == rows.none() ? lowBits(lane.bits) : rows.low[row * lanes + i];
          const uint64_t high = row == rows.none() ? 0 : rows.high[row * lanes + i];
          below += ((uint64_t{1} << lane.bits) + low - 1) << lane.shift;
          above -= (high + 1) << lane.shift;
        }
        tables.bounds.insert(tables.bounds.end(), {below, above});
      }
    for (auto& ranks : ranks_)
      tables.ranks.push_back(ranks ? std::optional(std::move(ranks->second)) : std::nullopt);
  }

  static uint64_t emptyLeaf(const TreeRows& rows) {
    uint64_t node = TreeNode::kLeaf;
    for (unsigned i = 0; i < rows.inlineRows(); ++i)
      node |= uint64_t{rows.none()} << (i * rows.numberBits());
    return node;
  }

  void writeResults(const Shape& shape, ViewTables& tables) const {
    const auto& rows = shape.rows();
    for (size_t i = 0; i < rows.size();) {
      size_t behind = i;
      while (behind < rows.size() && rows[behind].rule == rows[i].rule)
        ++behind;
      tables.results.insert(tables.results.end(), behind - i, resultOf(rules_[rows[i].rule]) | behind);
      i = behind;
    }
    tables.results.push_back(0);
  }

  TreeRows treeRows(const Shape& shape, const ClassifierView& made) const {
    TreeRows rows;
    rows.words = made.words;
    for (const ClassifierLane& lane : made.lanes)
      rows.lanes.push_back({.bits = lane.bits, .word = lane.word, .shift = lane.shift, .value = lane.value});
    for (size_t row = 0; row < shape.rows().size(); ++row) {
      const uint32_t body = rules_[shape.rows()[row].rule].body;
      rows.goes_on.push_back(body >= kFirstBody && classifier_.bodies[body - kFirstBody].goes_on);
      for (size_t i = 0; i < made.lanes.size(); ++i) {
        const auto [low, high] = shape.bounds(row, taken_[i]);
        const bool to_top = high == lowBits(made.lanes[i].value_bits);
        rows.low.push_back(ranks_[i] ? ranks_[i]->first.of(low) : low);
        rows.high.push_back(to_top ? lowBits(made.lanes[i].bits) : ranks_[i] ? ranks_[i]->first.of(high) : high);
      }
    }
    return rows;
  }

  const std::vector<RunRule>& rules_;
  Classifier& classifier_;
  std::vector<size_t> taken_;                                      // lanes of the shape, by lane of the table
  std::vector<std::optional<std::pair<Ranks, RankTables>>> ranks_; // by lane of the table
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

bool makeViews(const ir::Policy& policy, std::vector<RunRule>& rules, Classifier& classifier,
               std::vector<ViewTables>& tables) {
  const std::vector<ir::HeaderId> unions = unionsOf(classifier);
  std::map<Domains, Shape> shapes;
  for (uint64_t signature : possibleSignatures(policy, classifier.atoms)) {
    Domains domains = domainsOf(policy, classifier, unions, signature);
    shapes.try_emplace(domains, classifier, unions, domains).first->second.signatures.push_back(signature);
  }
  for (uint32_t rule = 0; rule < rules.size(); ++rule)
    for (const Conjunction& box : std::exchange(rules[rule].boxes, {}))
      for (auto& [domains, shape] : shapes)
        shape.add(rule, box);
  for (const auto& [domains, shape] : shapes) {
    if (shape.rows().empty()) {
      for (uint64_t signature : shape.signatures)
        classifier.roots[signature] = {};
      continue;
    }
    if (!makeView(rules, shape, classifier, tables.emplace_back()))
      return false;
  }
  return true;
}

bool makeView(const std::vector<RunRule>& rules, const Shape& shape, Classifier& classifier, ViewTables& tables) {
  ClassifierView made;
  if (shape.rows().size() > kMaxTreeRows || !ViewMaker(rules, classifier).run(shape, tables, made))
    return false;
  classifier.views.push_back(std::move(made));
  return true;
}

} // namespace xdpc::plan
