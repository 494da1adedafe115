// What stands in a transport header or behind it is dropped, or all packets with such a header, and the later fragments
// of the same packet, which have neither, pass by a rule behind it or by default. Said once, at the first such rule,
// and not where any rule looks at fragments: then it has been thought of.
#include "compiler/analysis/constraint.h"
#include "compiler/analysis/outcomes.h"
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ranges>
#include <string>

namespace xdpc::analysis {
namespace {

template <class Test> bool contains(const ir::Expr& expr, const Test& test) {
  return test(expr) || std::ranges::any_of(expr.args, [&](const ir::Expr& arg) { return contains(arg, test); });
}

bool isOfFragments(const ir::Policy& policy, const ir::Expr& expr) {
  if (expr.kind != ir::ExprKind::Field && expr.kind != ir::ExprKind::Present)
    return false;
  const ir::Header& header = policy.headers[expr.header];
  if (header.name == "fragment")
    return true;
  if (expr.kind == ir::ExprKind::Present)
    return false;
  const std::string& field = header.fields[expr.field].name;
  return field == "fragment" || field == "fragment_offset" || field == "more_fragments";
}

bool asksForFragments(const ir::Policy& policy, const ir::Expr& condition) {
  return contains(condition, [&](const ir::Expr& expr) { return isOfFragments(policy, expr); });
}

bool asksForFragments(const ir::Policy& policy, const ir::Block& block) {
  return std::ranges::any_of(block.steps, [&](const ir::Step& step) {
    return std::ranges::any_of(step.branch, [&](const ir::Branch& branch) {
      return asksForFragments(policy, branch.condition) || asksForFragments(policy, branch.then) ||
             asksForFragments(policy, branch.otherwise);
    });
  });
}

bool asksForFragments(const ir::Policy& policy) {
  return std::ranges::any_of(policy.rules,
                             [&](const ir::Rule& rule) {
                               return (rule.condition && asksForFragments(policy, *rule.condition)) ||
                                      asksForFragments(policy, rule.body) || asksForFragments(policy, rule.otherwise);
                             }) ||
         std::ranges::any_of(policy.lists, [&](const ir::RuleList& list) {
           return std::ranges::any_of(list.items, [&](const ir::ListItem& item) {
             return item.condition && asksForFragments(policy, *item.condition);
           });
         });
}

bool readsHeader(const ir::Expr& expr) {
  switch (expr.kind) {
  case ir::ExprKind::Field:
  case ir::ExprKind::PayloadLength:
  case ir::ExprKind::Payload:
  case ir::ExprKind::HasBytes:
  case ir::ExprKind::Slice:
  case ir::ExprKind::Contains:
    return true;
  default:
    return false;
  }
}

bool asksForHeader(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::Present;
}

template <class Test> const ir::Expr* lackedIn(const PacketKind& later, const ir::Expr& expr, const Test& test) {
  if (test(expr) && later.headers[expr.header] == Truth::no)
    return &expr;
  for (const ir::Expr& arg : expr.args)
    if (const ir::Expr* found = lackedIn(later, arg, test))
      return found;
  return nullptr;
}

// What the condition reads, port or flag or payload, of a header that these fragments do not have; else what it asks
// for.
const ir::Expr* lackedIn(const PacketKind& later, const ir::Expr& expr) {
  const ir::Expr* read = lackedIn(later, expr, readsHeader);
  return read ? read : lackedIn(later, expr, asksForHeader);
}

bool readsSet(const ir::Expr& expr) {
  return expr.kind == ir::ExprKind::InSet;
}

// In the innermost condition that reads it.
struct Lacked {
  const ir::Expr *condition, *read;
};
std::optional<Lacked> lackedBy(const PacketKind& later, const Outcome& outcome) {
  for (const Outcome::Term& term : std::views::reverse(outcome.path))
    if (const ir::Expr* read = lackedIn(later, *term.condition))
      return Lacked{term.condition, read};
  return std::nullopt;
}

// A ban of what a set holds, or of what is beyond a rate, is no closed door.
bool closesDoor(const PacketKind& later, const Outcome& outcome) {
  return !passes(outcome) && !outcome.metered && lackedBy(later, outcome) &&
         std::ranges::none_of(outcome.path,
                              [](const Outcome::Term& term) { return contains(*term.condition, readsSet); });
}

class Fragments {
public:
  Fragments(const ir::Policy& policy, const Presence& presence, ir::HeaderId ip)
      : policy_(policy), presence_(presence), whole_(packetsWith(policy, presence, ip)),
        kind_(laterFragments(policy, presence, ip)), lacking_(kind_) {
    // What no packet of the family has, like ARP, is not lacked.
    for (size_t id = 0; id < lacking_.headers.size(); ++id)
      if (whole_.headers[id] == Truth::no)
        lacking_.headers[id] = Truth::unknown;
  }

  // The way of these fragments to the first place where they pass that their first fragment would not have come to.
  struct Gap {
    const Outcome *closed, *open;
    Lacked lacked;
  };
  std::optional<Gap> find(const std::vector<Outcome>& outcomes) {
    for (const Outcome& outcome : outcomes) {
      const Truth reached = reaches(policy_, kind_, outcome);
      if (reached != Truth::yes && closesDoor(lacking_, outcome) && reaches(policy_, whole_, outcome) != Truth::no)
        closed_.push_back({&outcome, seenBy(outcome)});
      if (reached != Truth::no && passes(outcome) && !closed_.empty()) {
        const Seen open = allOf(outcome);
        for (const auto& [closed, seen] : closed_)
          if (mayBothMatch(seen, open))
            return Gap{closed, &outcome, *lackedBy(lacking_, *closed)};
      }
      if (reached == Truth::yes || looks_ > kMaxLooks)
        return {};
    }
    return {};
  }

private:
  // Conditions, and the same as a constraint.
  struct Seen {
    std::vector<const ir::Expr*> conditions;
    Constraint constraint;
  };

  // What a rule with a closed door asks of the rest of the packet.
  Seen seenBy(const Outcome& closed) {
    std::vector<const ir::Expr*> conditions;
    for (const Outcome::Term& term : closed.path)
      if (!term.negated)
        addSeen(*term.condition, conditions);
    Constraint constraint(policy_, values_, conditions);
    return {std::move(conditions), std::move(constraint)};
  }

  Seen allOf(const Outcome& open) {
    std::vector<const ir::Expr*> conditions;
    for (const Outcome::Term& term : open.path)
      if (!term.negated)
        conditions.push_back(term.condition);
    Constraint constraint(policy_, values_, conditions);
    return {std::move(conditions), std::move(constraint)};
  }

  // They do not exclude each other. Most pairs differ in an address, which is seen at once.
  bool mayBothMatch(const Seen& closed, const Seen& open) {
    ++looks_;
    if (closed.constraint.excludes(open.constraint))
      return false;
    std::vector<const ir::Expr*> both = closed.conditions;
    both.insert(both.end(), open.conditions.begin(), open.conditions.end());
    return !Constraint(policy_, values_, both).contradictory(presence_, values_);
  }

  void addSeen(const ir::Expr& condition, std::vector<const ir::Expr*>& both) const {
    if (condition.kind == ir::ExprKind::And)
      for (const ir::Expr& arg : condition.args)
        addSeen(arg, both);
    else if (truth(policy_, kind_, condition) != Truth::no)
      both.push_back(&condition);
  }

  static constexpr unsigned kMaxLooks = 10'000;
  const ir::Policy& policy_;
  const Presence& presence_;
  PacketKind whole_, kind_;                             // all packets of the family, and its later fragments
  PacketKind lacking_;                                  // the same fragments, by what others of the family may have
  std::vector<std::pair<const Outcome*, Seen>> closed_; // so far
  Values values_;
  unsigned looks_ = 0;
};

std::string nameOf(const ir::Policy& policy, const ir::Expr& read) {
  if (read.kind != ir::ExprKind::Field && read.kind != ir::ExprKind::Present)
    return "payload";
  const ir::Header* header = &policy.headers[read.header];
  if (header->kind == ir::HeaderKind::part || header->kind == ir::HeaderKind::option)
    header = &policy.headers[header->of];
  return read.kind == ir::ExprKind::Field && read.type.port ? "ports" : fmt::format("`{}` header", header->name);
}

// The number by which IP names the header, which its later fragments bear, too.
std::optional<uint64_t> protocolOf(const ir::Policy& policy, ir::HeaderId header) {
  for (const char* family : {"ipv4", "ipv6"})
    if (const auto ip = headerByName(policy, family))
      for (const ir::PayloadBy& payload : policy.headers[*ip].payload)
        if (const auto entry = std::ranges::find(payload.entries, header, &ir::PayloadEntry::next);
            entry != payload.entries.end())
          return entry->value;
  return std::nullopt;
}

void report(const ir::Policy& policy, const Fragments::Gap& gap, diag::Emitter& emitter) {
  diag::Diagnostic& warning =
      emitter.report(diag::Id::later_fragments, gap.lacked.condition->span,
                     fmt::format("later fragments have no {}: they pass this rule and the whole policy",
                                 nameOf(policy, *gap.lacked.read)));
  warning.help =
      "drop fragments by a rule of their own, `fragments: drop when ip.fragment`, or let them pass knowingly "
      "with `fragments: pass when ip.fragment`";
  const auto protocol =
      gap.lacked.read->kind == ir::ExprKind::Present ? protocolOf(policy, gap.lacked.read->header) : std::nullopt;
  if (protocol)
    warning.help += fmt::format("; `ip.proto == {}` is true for the fragments of such packets, too", *protocol);
  if (gap.open->block != &policy.rules.back().body)
    warning.notes.push_back({gap.open->block->verdict_span, "here they pass"});
}

} // namespace

void warnOfFragments(const ir::Policy& policy, diag::Emitter& emitter) {
  if (policy.rules.empty() || asksForFragments(policy))
    return;
  const Presence presence(policy);
  const std::vector<Outcome> outcomes = outcomesOf(policy);
  for (const char* family : {"ipv4", "ipv6"})
    if (const auto ip = headerByName(policy, family))
      if (const auto gap = Fragments(policy, presence, *ip).find(outcomes))
        return report(policy, *gap, emitter);
}

} // namespace xdpc::analysis
