// What rules of a run do once their boxes match. Private to plan/classifier*.cpp. Tested by
// tests/packet/classifiers/bodies.xf.
#pragma once

#include "compiler/plan/classifier_box.h"

namespace xdpc::plan {

// What a table cannot decide of a rule's condition, and what it can.
struct SplitCondition {
  Disjunction boxes;
  std::optional<ir::Expr> remaining;
};
// Nothing where the table could not decide any of it.
std::optional<SplitCondition> splitCondition(BoxMaker& maker, const std::optional<ir::Expr>& condition);

// Whether the rule can be in a run: what is behind it sees the same packet.
bool canBeInRun(const ir::Rule& rule);
// Nothing but a verdict that needs no code of its own.
bool isPlainVerdict(const ir::Rule& rule);
// Every way through the block reaches a verdict.
bool alwaysEnds(const ir::Block& block);

// The body of the rule, by its number: a known one that does the same, or a new one. Nothing if there are too many.
std::optional<uint32_t> bodyFor(const ir::Policy& policy, ir::RuleId rule, std::optional<ir::Expr> remaining,
                                std::vector<ClassifierBody>& bodies);

} // namespace xdpc::plan
