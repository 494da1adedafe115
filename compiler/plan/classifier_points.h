// Views of which each row is a single point: a hash in place of trees. Private to plan/classifier*.cpp. Tested by
// tests/packet/classifiers and tests/classbench.
#pragma once

#include "compiler/plan/classifier_rows.h"
#include "compiler/plan/classifier_view.h"

namespace xdpc::plan {

struct ViewRows {
  const Shape& shape;
  const std::vector<RowGroup>& groups; // of the shape
  const std::vector<RunRule>& rules;
  const std::vector<size_t>& taken; // lanes of the shape, by lane of the view
};

// The view's roots go into the classifier. False, and nothing is changed, where some row is no point, where packets go
// on behind one, or where the groups have too many rows in common.
bool makePointHash(const ViewRows& rows, Classifier& classifier, ViewTables& tables, ClassifierView& made);

// What rows of these numbers have to be carried out for, ascending.
std::vector<uint32_t> bodiesOf(const Shape& shape, const std::vector<RunRule>& rules,
                               const std::vector<uint32_t>& numbers);

} // namespace xdpc::plan
