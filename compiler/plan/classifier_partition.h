// Which rows go to trees of their own. Private to plan/classifier_tree.cpp.
#pragma once

#include "compiler/plan/classifier_tree.h"

namespace xdpc::plan {

using Rows = std::vector<uint32_t>; // numbers, ascending
using Groups = std::vector<Rows>;

// Ways to separate the rows by whether they bound the two values that tell most of them apart; one group for each tree.
// The first is all of them together.
std::vector<Groups> waysToSeparate(const TreeRows& rows, std::span<const uint32_t> numbers);

} // namespace xdpc::plan
