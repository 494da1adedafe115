// What builders of lookups take. Private to plan/.
#pragma once

#include "compiler/ir/ir.h"

#include <cstdint>
#include <vector>

namespace xdpc::plan {

// Keys that lead to the same number, which is not 0. Runs are sorted and disjoint.
struct Run {
  ir::u128 low = 0, high = 0;
  uint32_t number = 1;
};
using Runs = std::vector<Run>;

} // namespace xdpc::plan
