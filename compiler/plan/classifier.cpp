// Finds runs of rules for tables, and writes the tables.
#include "compiler/plan/classifier.h"
#include "compiler/ir/verdict.h"
#include "compiler/plan/classifier_body.h"
#include "compiler/plan/classifier_rows.h"
#include "compiler/plan/classifier_view.h"
#include "compiler/plan/classifier_write.h"
#include "compiler/plan/program.h"

#include <algorithm>

namespace xdpc::plan {
namespace {

constexpr size_t kMinRules = 16;   // fewer are compared in turn
constexpr unsigned kMaxLanes = 16; // of all values that a run asks for
// Lookups of one packet: the verifier walks all bodies once for each. Among fewer than so many other rules, those that
// a packet goes on behind are no part of a run.
constexpr unsigned kMaxRounds = 8;
constexpr size_t kRulesPerRound = 4;

class Planner {
public:
  explicit Planner(Program& program) : program_(program), policy_(*program.policy), writer_(program, "rules") {}

  void run() {
    for (ir::ListId list = 0; list < policy_.lists.size(); ++list)
      findRuns(list);
  }

private:
  void findRuns(ir::ListId list) {
    const size_t items = policy_.lists[list].items.size();
    for (size_t first = 0; first < items;)
      first = std::max(makeRun(list, first, items, kMaxRounds), first + 1);
  }

  // Tables for the rules from `first` on that one classifier can decide, and where they end. The first half of them
  // where all are too large for tables of their bounds.
  size_t makeRun(ir::ListId list, size_t first, size_t limit, unsigned rounds) {
    current_ = {};
    most_rounds_ = rounds;
    current_.list = list;
    current_.first = first;
    rules_.clear();
    const auto& items = policy_.lists[list].items;
    size_t behind = first;
    while (behind < limit && take(items[behind]))
      ++behind;
    current_.count = behind - first;
    if (current_.rounds > 1 && (current_.rounds - 1) * kRulesPerRound > current_.count)
      return makeRun(list, first, limit, 1);
    if (current_.count < kMinRules)
      return behind;
    std::vector<ViewTables> tables;
    if (!makeViews(policy_, rules_, current_, tables) || !write(current_, tables))
      return makeRun(list, first, first + current_.count / 2, rounds);
    program_.classifiers.push_back(std::move(current_));
    return behind;
  }

  bool take(const ir::ListItem& item) {
    if (!item.rule || isDefault(*item.rule) || !canBeInRun(policy_.rules[*item.rule]))
      return false;
    const size_t values = current_.values.size(), atoms = current_.atoms.size();
    BoxMaker maker(policy_, current_);
    auto condition = splitCondition(maker, policy_.rules[*item.rule].condition);
    if (condition && isSmall(condition->boxes))
      if (const auto body = takeBody(*item.rule, condition->remaining)) {
        rules_.push_back({std::move(condition->boxes), program_.ruleSlot(*item.rule), *body});
        return true;
      }
    current_.values.resize(values);
    current_.atoms.resize(atoms);
    return false;
  }

  std::optional<uint32_t> takeBody(ir::RuleId id, std::optional<ir::Expr>& remaining) {
    const ir::Rule& rule = policy_.rules[id];
    if (!remaining && isPlainVerdict(rule)) {
      if (std::ranges::find(current_.verdicts, *rule.body.verdict) == current_.verdicts.end())
        current_.verdicts.push_back(*rule.body.verdict);
      return ir::actionOf(*rule.body.verdict);
    }
    const bool goes_on = rule.meter || remaining || !alwaysEnds(rule.body);
    if (goes_on && current_.rounds >= most_rounds_)
      return std::nullopt;
    const auto body = bodyFor(policy_, id, std::move(remaining), current_.bodies);
    if (body && goes_on)
      ++current_.rounds;
    return body;
  }

  bool isDefault(ir::RuleId rule) const { return rule + 1 == policy_.rules.size(); }

  bool isSmall(const Disjunction& boxes) const {
    size_t rows = 0;
    for (const Conjunction& box : boxes) {
      size_t product = 1;
      for (const auto& [value, intervals] : box.values) {
        size_t pieces = 0;
        for (const ir::Interval& interval : intervals)
          pieces += piecesOf(current_.values[value], interval);
        product *= std::max<size_t>(pieces, 1);
        if (product > kMaxBoxes)
          return false;
      }
      rows += product;
    }
    unsigned lanes = 0;
    for (const ClassifierValue& value : current_.values)
      lanes += lanesOf(value);
    return rows <= kMaxBoxes && lanes <= kMaxLanes;
  }

  bool write(Classifier& made, std::vector<ViewTables>& tables) {
    for (size_t i = 0; i < tables.size(); ++i)
      if (!writer_.write(made.views[i], tables[i], made.bytes))
        return false;
    return true;
  }

  Program& program_;
  const ir::Policy& policy_;
  ViewWriter writer_;
  Classifier current_;
  unsigned most_rounds_ = kMaxRounds;
  std::vector<RunRule> rules_;
};

} // namespace

const Classifier* Program::classifierAt(ir::ListId list, size_t item) const {
  const auto place = std::pair(list, item);
  const auto found = std::ranges::lower_bound(classifiers, place, {},
                                              [](const Classifier& one) { return std::pair(one.list, one.first); });
  return found != classifiers.end() && std::pair(found->list, found->first) == place ? &*found : nullptr;
}

void planClassifiers(Program& program) {
  Planner(program).run();
}

} // namespace xdpc::plan
