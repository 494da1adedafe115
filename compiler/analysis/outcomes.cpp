// See outcomes.h.
#include "compiler/analysis/outcomes.h"

namespace xdpc::analysis {
namespace {

class Collector {
public:
  explicit Collector(const ir::Policy& policy) : policy_(policy) {}

  std::vector<Outcome> run() {
    list(0);
    return std::move(outcomes_);
  }

private:
  void list(ir::ListId id) {
    for (const ir::ListItem& item : policy_.lists[id].items) {
      if (item.condition)
        path_.push_back({&*item.condition, false});
      if (item.rule)
        rule(policy_.rules[*item.rule]);
      else
        list(item.list);
      if (item.condition)
        path_.pop_back();
    }
  }

  void rule(const ir::Rule& rule) {
    choice(rule.condition ? &*rule.condition : nullptr, rule.meter.has_value(), rule.body, rule.otherwise);
  }

  void choice(const ir::Expr* condition, bool metered, const ir::Block& then, const ir::Block& otherwise) {
    metered_ += metered;
    if (condition)
      path_.push_back({condition, false});
    block(then);
    if (condition)
      path_.pop_back();
    const bool negated = condition && !metered; // with a meter nothing is known of the condition
    if (negated)
      path_.push_back({condition, true});
    block(otherwise);
    if (negated)
      path_.pop_back();
    metered_ -= metered;
  }

  void block(const ir::Block& block) {
    for (const ir::Step& step : block.steps) {
      if (step.apply)
        list(*step.apply);
      for (const ir::Branch& branch : step.branch)
        choice(&branch.condition, branch.meter.has_value(), branch.then, branch.otherwise);
    }
    if (block.verdict)
      outcomes_.push_back({&block, path_, metered_ > 0});
  }

  const ir::Policy& policy_;
  std::vector<Outcome> outcomes_;
  std::vector<Outcome::Term> path_;
  unsigned metered_ = 0;
};

} // namespace

std::vector<Outcome> outcomesOf(const ir::Policy& policy) {
  return Collector(policy).run();
}

Truth reaches(const ir::Policy& policy, const PacketKind& kind, const Outcome& outcome) {
  Truth all = outcome.metered ? Truth::unknown : Truth::yes;
  for (const Outcome::Term& term : outcome.path) {
    const Truth one = truth(policy, kind, *term.condition);
    if (one == (term.negated ? Truth::yes : Truth::no))
      return Truth::no;
    if (one == Truth::unknown)
      all = one;
  }
  return all;
}

bool passes(const Outcome& outcome) {
  return outcome.block->verdict != ir::Verdict::Drop && outcome.block->verdict != ir::Verdict::Abort;
}

} // namespace xdpc::analysis
