// Packs the lanes' values into keys, and hashes them.
#include "compiler/plan/classifier_points.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace xdpc::plan {
namespace {

constexpr size_t kMostCopies = 4; // of a row, on average

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

class PointHash {
public:
  PointHash(const ViewRows& rows, const Classifier& classifier) : rows_(rows), classifier_(classifier) {
    for (const RowGroup& group : rows.groups)
      if (!group.numbers.empty())
        groups_.push_back(&group);
  }

  bool isPossible() const {
    size_t all = 0;
    for (const RowGroup* group : groups_)
      all += group->numbers.size();
    return all <= kMostCopies * rows_.shape.rows().size() && std::ranges::all_of(groups_, [&](const RowGroup* group) {
             return std::ranges::all_of(group->signatures,
                                        [&](uint64_t signature) { return arePoints(group->numbers, signature); });
           });
  }

  bool run(ViewTables& tables, ClassifierView& made) {
    lanes_ = made.lanes;
    for (ClassifierLane& lane : lanes_)
      lane.bits = lane.value_bits;
    words_ = packed(lanes_, std::bit_width(groups_.size() - 1), hash_);
    std::map<std::vector<uint64_t>, uint64_t> first; // of rows with one key
    for (size_t group = 0; group < groups_.size(); ++group)
      for (uint32_t number : groups_[group]->numbers)
        first.try_emplace(keyOf(number, group), resultOf(rows_.rules[rows_.shape.rows()[number].rule]));
    std::vector<uint64_t> keys, results;
    for (const auto& [key, result] : first) {
      keys.insert(keys.end(), key.begin(), key.end());
      results.push_back(result);
    }
    tables.hash = makeRowHash(keys, words_, results);
    if (!tables.hash)
      return false;
    made.lanes = std::move(lanes_);
    made.words = words_;
    made.guards.assign(words_, 0);
    made.hash = hash_;
    made.nanoseconds = rowHashCost(*tables.hash);
    return true;
  }

  void addRoots(uint32_t view, std::map<uint64_t, ClassifierRoot>& roots) const {
    for (const RowGroup& group : rows_.groups) {
      ClassifierRoot root;
      if (!group.numbers.empty()) {
        const auto number = static_cast<uint32_t>(std::ranges::find(groups_, &group) - groups_.begin());
        root = {view, {number}, bodiesOf(rows_.shape, rows_.rules, group.numbers)};
      }
      for (uint64_t signature : group.signatures)
        roots[signature] = root;
    }
  }

private:
  // In each lane, but for those of headers that such packets do not have, which are 0 in their keys.
  bool arePoints(const std::vector<uint32_t>& numbers, uint64_t signature) const {
    return std::ranges::all_of(rows_.taken, [&](size_t lane) {
      const uint32_t value = rows_.shape.lanes()[lane].value, top = lowBits(rows_.shape.lanes()[lane].value_bits);
      const auto is_point = [&](uint32_t number) {
        return rows_.shape.bounds(number, lane).low == rows_.shape.bounds(number, lane).high;
      };
      const auto is_open = [&](uint32_t number) {
        return rows_.shape.bounds(number, lane).low == 0 && rows_.shape.bounds(number, lane).high == top;
      };
      return std::ranges::all_of(numbers, is_point) ||
             (isAbsent(value, signature) && std::ranges::all_of(numbers, is_open));
    });
  }

  bool isAbsent(uint32_t value, uint64_t signature) const {
    const auto& header = classifier_.values[value].header;
    const auto atom = header ? std::ranges::find(classifier_.atoms, *header) : classifier_.atoms.end();
    return atom != classifier_.atoms.end() && (signature >> (atom - classifier_.atoms.begin()) & 1) == 0;
  }

  std::vector<uint64_t> keyOf(uint32_t row, uint64_t group) const {
    std::vector<uint64_t> key(words_);
    key[hash_.group_word] |= group << hash_.group_shift;
    for (size_t i = 0; i < lanes_.size(); ++i)
      key[lanes_[i].word] |= uint64_t{rows_.shape.bounds(row, rows_.taken[i]).low} << lanes_[i].shift;
    return key;
  }

  const ViewRows& rows_;
  const Classifier& classifier_;
  std::vector<const RowGroup*> groups_; // with rows
  ClassifierHash hash_;
  std::vector<ClassifierLane> lanes_;
  unsigned words_ = 1;
};

} // namespace

std::vector<uint32_t> bodiesOf(const Shape& shape, const std::vector<RunRule>& rules,
                               const std::vector<uint32_t>& numbers) {
  std::set<uint32_t> bodies;
  for (uint32_t number : numbers)
    if (const uint32_t body = rules[shape.rows()[number].rule].body; body >= kFirstBody)
      bodies.insert(body);
  return {bodies.begin(), bodies.end()};
}

bool makePointHash(const ViewRows& rows, Classifier& classifier, ViewTables& tables, ClassifierView& made) {
  if (classifier.rounds > 1)
    return false;
  PointHash hash(rows, classifier);
  if (!hash.isPossible() || !hash.run(tables, made))
    return false;
  hash.addRoots(static_cast<uint32_t>(classifier.views.size()), classifier.roots);
  return true;
}

} // namespace xdpc::plan
