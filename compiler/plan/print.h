// The plan in words, for --emit=plan.
#pragma once

#include "compiler/plan/program.h"

#include <string>

namespace xdpc::plan {
std::string toText(const Program& program);
// A line for each run of rules that is a table: which rules, how it is looked up, how large, how fast.
std::string classifiersText(const Program& program);
} // namespace xdpc::plan
