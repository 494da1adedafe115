// From the boxes of a run to rows of lanes, and the trees over them. Private to plan/classifier*.cpp.
#pragma once

#include "compiler/plan/classifier_box.h"
#include "compiler/plan/classifier_hash.h"
#include "compiler/plan/classifier_rank.h"
#include "compiler/plan/classifier_rows.h"
#include "compiler/plan/classifier_tree.h"

namespace xdpc::plan {

// A rule of the run, and what a match of it comes to.
struct RunRule {
  Disjunction boxes;
  uint32_t slot = 0;
  uint32_t body = 0; // an XDP action, or from kFirstBody on
};

// Where a view's tables lie is the caller's to say.
struct ViewTables {
  std::vector<uint64_t> bounds;                 // by row and word of the key: see RowBounds
  std::vector<std::optional<RankTables>> ranks; // by lane
  std::vector<uint64_t> results;
  Forest forest;
  std::optional<RowHash> hash; // in place of all others
};

// The result of its rows, but for the row behind the last one.
inline uint64_t resultOf(const RunRule& rule) {
  return ClassifierResult::kFound | uint64_t{rule.slot} << ClassifierResult::kSlotAt |
         uint64_t{rule.body} << ClassifierResult::kBodyAt;
}

// Fills roots and views; as many tables as views. False where the rules are too many for tables of their bounds. The
// rules' boxes are used up.
bool makeViews(const ir::Policy& policy, std::vector<RunRule>& rules, Classifier& classifier,
               std::vector<ViewTables>& tables);

// Adds the view of packets of one shape, with a root for each of its signatures. False where its tree would be too
// large.
bool makeView(const std::vector<RunRule>& rules, const Shape& shape, Classifier& classifier, ViewTables& tables);

} // namespace xdpc::plan
