// Lays lanes out in words, and builds trees for each signature.
#include "compiler/plan/classifier_view.h"
#include "compiler/plan/classifier_rank.h"
#include "compiler/plan/classifier_rows.h"
#include "compiler/plan/classifier_signature.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <set>

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

// Lanes into words, for keys that are compared as wholes, and `more` bits behind them. Returns the words.
unsigned packed(std::vector<ClassifierLane>& lanes, unsigned more, ClassifierHash& hash) {
  std::vector<unsigned> used;
  const auto place = [&](unsigned bits, unsigned& word, unsigned& shift) {
    auto there = std::ranges::find_if(used, [&](unsigned taken) { return taken + bits <= 64; });
    if (there == used.end())
      there = used.insert(used.end(), 0);
    word = static_cast<unsigned>(there - used.begin());
    shift = std::exchange(*there, *there + bits);
  };
  for (unsigned bits = 32; bits > 0; --bits)
    for (ClassifierLane& lane : lanes)
      if (lane.bits == bits)
        place(bits, lane.word, lane.shift);
  if (more)
    place(more, hash.group_word, hash.group_shift);
  return std::max<unsigned>(1, used.size());
}

constexpr unsigned kNarrowLane = 16; // bits: ranks of such lanes are small tables
constexpr size_t kMostCopies = 4;    // of a row in a hash, on average
constexpr unsigned kFewWords = 2;    // of a key; ranks make longer ones shorter

class ViewMaker {
public:
  ViewMaker(const std::vector<RunRule>& rules, Classifier& classifier) : rules_(rules), classifier_(classifier) {}

  // The view's roots go into the classifier.
  bool run(const Shape& shape, ViewTables& tables, ClassifierView& made) {
    const auto index = static_cast<uint32_t>(classifier_.views.size());
    takeBounded(shape, made);
    if (tryHash(shape, tables, made, index))
      return true;
    layOutLanes(shape, made);
    const TreeRows rows = treeRows(shape, made);
    writeBounds(rows, made, tables);
    writeResults(shape, tables);
    tables.forest.nodes = {emptyLeaf(rows)};
    std::map<std::vector<uint32_t>, ClassifierRoot> known;
    double slowest = 0;
    for (uint64_t signature : shape.signatures) {
      const std::vector<uint32_t> numbers = matching(shape, signature);
      auto [root, fresh] = known.try_emplace(numbers);
      if (fresh && !numbers.empty()) {
        Trees trees;
        if (!buildTrees(rows, numbers, tables.forest, trees))
          return false;
        root->second = {index, trees.roots, bodiesOf(shape, numbers)};
        slowest = std::max(slowest, trees.cost);
      }
      classifier_.roots[signature] = root->second;
      made.trees = std::max<unsigned>(made.trees, root->second.trees.size());
    }
    made.depth = tables.forest.depth;
    made.levels = commonLevels(tables.forest);
    made.longest = tables.forest.longest;
    made.nanoseconds = slowest;
    return true;
  }

private:
  // Lanes that some row bounds.
  void takeBounded(const Shape& shape, ClassifierView& made) {
    for (size_t i = 0; i < shape.lanes().size(); ++i) {
      const uint32_t top = lowBits(shape.lanes()[i].value_bits);
      const auto bounds = [&](const Row& row) { return row.bounds[i].low > 0 || row.bounds[i].high < top; };
      if (std::ranges::none_of(shape.rows(), bounds))
        continue;
      made.lanes.push_back(shape.lanes()[i]);
      taken_.push_back(i);
    }
  }

  // A hash, where each row is a single point and no packet goes on behind one.
  bool tryHash(const Shape& shape, ViewTables& tables, ClassifierView& made, uint32_t index) {
    if (classifier_.rounds > 1)
      return false;
    // Packets with the same headers, as far as rows ask, have the same rows: a group.
    std::map<std::vector<uint32_t>, uint32_t> groups;
    std::map<uint64_t, std::vector<uint32_t>> rows_of;
    size_t all = 0;
    for (uint64_t signature : shape.signatures) {
      const auto& numbers = rows_of[signature] = matching(shape, signature);
      if (!arePoints(shape, numbers, signature))
        return false;
      if (!numbers.empty() && groups.try_emplace(numbers, groups.size()).second)
        all += numbers.size();
    }
    if (all > kMostCopies * shape.rows().size())
      return false;
    ClassifierHash hash;
    std::vector<ClassifierLane> lanes = made.lanes;
    for (ClassifierLane& lane : lanes)
      lane.bits = lane.value_bits;
    const unsigned words = packed(lanes, std::bit_width(groups.size() - 1), hash);
    std::map<std::vector<uint64_t>, uint64_t> first; // of rows with one key
    for (const auto& [numbers, group] : groups)
      for (uint32_t number : numbers)
        first.try_emplace(keyOf(shape.rows()[number], lanes, words, hash, group), resultOf(shape, number));
    std::vector<uint64_t> keys, results;
    for (const auto& [key, result] : first) {
      keys.insert(keys.end(), key.begin(), key.end());
      results.push_back(result);
    }
    tables.hash = makeRowHash(keys, words, results);
    if (!tables.hash)
      return false;
    for (const auto& [signature, numbers] : rows_of)
      classifier_.roots[signature] =
          numbers.empty() ? ClassifierRoot() : ClassifierRoot{index, {groups.at(numbers)}, bodiesOf(shape, numbers)};
    made.lanes = std::move(lanes);
    made.words = words;
    made.guards.assign(words, 0);
    made.hash = hash;
    made.nanoseconds = rowHashCost(*tables.hash);
    return true;
  }

  // In each lane, but for those of headers that such packets do not have, which are 0 in their keys.
  bool arePoints(const Shape& shape, const std::vector<uint32_t>& numbers, uint64_t signature) const {
    for (size_t lane : taken_) {
      const uint32_t top = lowBits(shape.lanes()[lane].value_bits);
      bool points = true, open = isAbsent(shape.lanes()[lane].value, signature);
      for (uint32_t number : numbers) {
        const Bounds& bounds = shape.rows()[number].bounds[lane];
        points = points && bounds.low == bounds.high;
        open = open && bounds.low == 0 && bounds.high == top;
      }
      if (!points && !open)
        return false;
    }
    return true;
  }

  bool isAbsent(uint32_t value, uint64_t signature) const {
    const auto& header = classifier_.values[value].header;
    const auto atom = header ? std::ranges::find(classifier_.atoms, *header) : classifier_.atoms.end();
    return atom != classifier_.atoms.end() && (signature >> (atom - classifier_.atoms.begin()) & 1) == 0;
  }

  std::vector<uint64_t> keyOf(const Row& row, const std::vector<ClassifierLane>& lanes, unsigned words,
                              const ClassifierHash& hash, uint32_t group) const {
    std::vector<uint64_t> key(words);
    key[hash.group_word] |= uint64_t{group} << hash.group_shift;
    for (size_t i = 0; i < lanes.size(); ++i)
      key[lanes[i].word] |= uint64_t{row.bounds[taken_[i]].low} << lanes[i].shift;
    return key;
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
    for (const Row& row : shape.rows()) {
      starts.push_back(row.bounds[taken_[i]].low);
      if (row.bounds[taken_[i]].high < top)
        starts.push_back(row.bounds[taken_[i]].high + 1);
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

  void writeBounds(const TreeRows& rows, const ClassifierView& made, ViewTables& tables) {
    const size_t lanes = rows.lanes.size();
    for (uint32_t row = 0; row <= rows.none(); ++row)
      for (unsigned word = 0; word < made.words; ++word) {
        uint64_t low = 0, high = made.guards[word];
        for (size_t i = 0; i < lanes; ++i) {
          const TreeLane& lane = rows.lanes[i];
          if (lane.word != word)
            continue;
          // Of the row that no packet matches, nothing is above the one and below the other.
          low |= uint64_t{row == rows.none() ? lowBits(lane.bits) : rows.low[row * lanes + i]} << lane.shift;
          high |= uint64_t{row == rows.none() ? 0 : rows.high[row * lanes + i]} << lane.shift;
        }
        tables.bounds.insert(tables.bounds.end(), {low, high});
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

  // Those that are walked without asking whether there is more to walk: what it costs to go too far, against what it
  // costs to be wrong about the branch.
  static unsigned commonLevels(const Forest& forest) {
    double best_cost = HUGE_VAL;
    unsigned best = 0;
    for (unsigned levels = 0; levels <= forest.depth; ++levels) {
      double cost = 0;
      for (unsigned depth = 0; depth <= forest.depth; ++depth)
        cost += forest.reached[depth] * (kNodeCost * std::max(depth, levels) + (depth > levels ? kMissedBranch : 0));
      if (cost < best_cost) {
        best_cost = cost;
        best = levels;
      }
    }
    return best;
  }

  void writeResults(const Shape& shape, ViewTables& tables) const {
    const auto& rows = shape.rows();
    for (size_t i = 0; i < rows.size();) {
      size_t behind = i;
      while (behind < rows.size() && rows[behind].rule == rows[i].rule)
        ++behind;
      tables.results.insert(tables.results.end(), behind - i, resultOf(shape, static_cast<uint32_t>(i)) | behind);
      i = behind;
    }
    tables.results.push_back(0);
  }

  // But for the row behind the last one of its rule.
  uint64_t resultOf(const Shape& shape, uint32_t row) const {
    const RunRule& rule = rules_[shape.rows()[row].rule];
    return ClassifierResult::kFound | uint64_t{rule.slot} << ClassifierResult::kSlotAt |
           uint64_t{rule.body} << ClassifierResult::kBodyAt;
  }

  TreeRows treeRows(const Shape& shape, const ClassifierView& made) const {
    TreeRows rows;
    rows.words = made.words;
    for (const ClassifierLane& lane : made.lanes)
      rows.lanes.push_back({.bits = lane.bits, .word = lane.word, .shift = lane.shift, .value = lane.value});
    for (const Row& row : shape.rows()) {
      const uint32_t body = rules_[row.rule].body;
      rows.goes_on.push_back(body >= kFirstBody && classifier_.bodies[body - kFirstBody].goes_on);
      for (size_t i = 0; i < made.lanes.size(); ++i) {
        const auto [low, high] = row.bounds[taken_[i]];
        const bool to_top = high == lowBits(made.lanes[i].value_bits);
        rows.low.push_back(ranks_[i] ? ranks_[i]->first.of(low) : low);
        rows.high.push_back(to_top ? lowBits(made.lanes[i].bits) : ranks_[i] ? ranks_[i]->first.of(high) : high);
      }
    }
    return rows;
  }

  std::vector<uint32_t> bodiesOf(const Shape& shape, const std::vector<uint32_t>& numbers) const {
    std::set<uint32_t> bodies;
    for (uint32_t number : numbers)
      if (const uint32_t body = rules_[shape.rows()[number].rule].body; body >= kFirstBody)
        bodies.insert(body);
    return {bodies.begin(), bodies.end()};
  }

  static std::vector<uint32_t> matching(const Shape& shape, uint64_t signature) {
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < shape.rows().size(); ++i)
      if (Shape::matches(shape.rows()[i], signature))
        numbers.push_back(i);
    return numbers;
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

bool makeViews(const ir::Policy& policy, const std::vector<RunRule>& rules, Classifier& classifier,
               std::vector<ViewTables>& tables) {
  const std::vector<ir::HeaderId> unions = unionsOf(classifier);
  std::map<Domains, Shape> shapes;
  for (uint64_t signature : possibleSignatures(policy, classifier.atoms)) {
    Domains domains = domainsOf(policy, classifier, unions, signature);
    shapes.try_emplace(domains, classifier, unions, domains).first->second.signatures.push_back(signature);
  }
  for (auto& [domains, shape] : shapes) {
    for (uint32_t rule = 0; rule < rules.size(); ++rule)
      for (const Conjunction& box : rules[rule].boxes)
        shape.add(rule, box);
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
