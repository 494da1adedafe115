// From the boxes of a run to rows of lanes, and the trees over them. Private to plan/classifier*.cpp.
#pragma once

#include "compiler/plan/classifier_box.h"
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
  std::vector<std::vector<uint64_t>> bounds; // by row: two words for each word of the key
  std::vector<uint64_t> results;
  Forest forest;
};

// Fills roots and views; as many tables as views. False where the rules are too many for tables of their bounds.
bool makeViews(const ir::Policy& policy, const std::vector<RunRule>& rules, Classifier& classifier,
               std::vector<ViewTables>& tables);

// Rows that an interval of a value takes: more than one where it is no prefix of a value of several lanes.
size_t piecesOf(const ClassifierValue& value, const ir::Interval& interval);
// Lanes of a value; of an address of either family, of the longer one.
unsigned lanesOf(const ClassifierValue& value);

} // namespace xdpc::plan
