// Rules that no packet reaches, and conditions that no packet satisfies. A rule is taken as unreachable where one
// earlier rule, which always decides, has a condition that follows from its own.
#include "compiler/analysis/constraint.h"
#include "compiler/analysis/earlier.h"
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace xdpc::analysis {
namespace {

bool alwaysDecides(const ir::Block& block) {
  if (block.verdict)
    return true;
  return std::any_of(block.steps.begin(), block.steps.end(), [](const ir::Step& step) {
    return !step.branch.empty() && alwaysDecides(step.branch[0].then) && alwaysDecides(step.branch[0].otherwise);
  });
}

// Only counts, events and elements: a packet looks the same to the rules behind.
bool leavesPacket(const ir::Block& block) {
  return std::all_of(block.steps.begin(), block.steps.end(), [](const ir::Step& step) {
    if (!step.action)
      return !step.branch.empty() && leavesPacket(step.branch[0].then) && leavesPacket(step.branch[0].otherwise);
    switch (step.action->kind) {
    case ir::ActionKind::Count:
    case ir::ActionKind::Emit:
    case ir::ActionKind::Add:
    case ir::ActionKind::Remove:
      return true;
    default:
      return false;
    }
  });
}

Span placeOf(const ir::Rule& rule) {
  return rule.name_span.file ? rule.name_span : rule.span;
}

class Reach {
public:
  Reach(const ir::Policy& policy, diag::Emitter& emitter) : policy_(policy), emitter_(emitter), presence_(policy) {}

  void run() { walk(0, Applied::always); }

private:
  enum class Applied : uint8_t { always, sometimes };

  // False where nothing behind is reached, which has then been said.
  bool walk(ir::ListId id, Applied applied) {
    for (const ir::ListItem& item : policy_.lists[id].items) {
      if (item.rule) {
        if (!look(policy_.rules[*item.rule], applied))
          return false;
        continue;
      }
      const bool once = seen_.insert(item.list).second; // else what is unreachable here may be reached elsewhere
      if (once && !walk(item.list, item.condition ? Applied::sometimes : applied))
        return false;
      if (!once)
        earlier_.clear(); // it may change the packet
    }
    return true;
  }

  bool look(const ir::Rule& rule, Applied applied) {
    if (rule.name == "default")
      return false;
    if (all_) {
      unreachable(rule, *all_, "it decides every packet");
      return false;
    }
    std::optional<Constraint> constraint;
    if (rule.condition)
      constraint.emplace(policy_, values_, std::array{&*rule.condition});
    if (const auto header = constraint ? constraint->impossible(presence_) : std::nullopt)
      neverThere(rule, *header);
    else if (constraint && constraint->contradictory(presence_, values_))
      neverMatches(rule);
    else if (constraint)
      compare(rule, *constraint);
    if (!leavesPacket(rule.body) || !leavesPacket(rule.otherwise))
      earlier_.clear(); // values may be others from here on
    if (rule.meter || applied == Applied::sometimes || !alwaysDecides(rule.body))
      return true;
    if (!constraint || alwaysDecides(rule.otherwise))
      all_ = &rule;
    else if (!constraint->readsDynamicSets())
      earlier_.add(rule, std::move(*constraint));
    return true;
  }

  void compare(const ir::Rule& rule, const Constraint& constraint) {
    if (const ir::Rule* other = earlier_.deciding(constraint))
      unreachable(rule, *other, "it decides all packets that come into question");
  }

  void unreachable(const ir::Rule& rule, const ir::Rule& before, const char* why) {
    diag::Diagnostic& warning = emitter_.report(
        diag::Id::unreachable_rule, placeOf(rule),
        rule.name.starts_with('#') ? "no packet reaches this rule" : fmt::format("no packet reaches `{}`", rule.name));
    warning.notes.push_back({placeOf(before), why});
  }

  void neverMatches(const ir::Rule& rule) {
    emitter_.report(diag::Id::never_matches, rule.condition->span, "the condition is false for every packet").label =
        "its parts exclude each other";
  }

  void neverThere(const ir::Rule& rule, ir::HeaderId header) {
    const std::string& name = policy_.headers[header].name;
    diag::Diagnostic& warning =
        emitter_.report(diag::Id::never_matches, rule.condition->span, "the condition is false for every packet");
    warning.label = fmt::format("`{}` lies behind a tunnel, or behind nothing", name);
    warning.help = fmt::format("behind a tunnel `H` it is `H.inner.{}`", name);
  }

  const ir::Policy& policy_;
  diag::Emitter& emitter_;
  Presence presence_;
  Values values_;
  EarlierRules earlier_;
  const ir::Rule* all_ = nullptr; // decides every packet
  std::set<ir::ListId> seen_;
};

} // namespace

void warnOfReach(const ir::Policy& policy, diag::Emitter& emitter) {
  Reach(policy, emitter).run();
}

} // namespace xdpc::analysis
