// Tables of rules in words, for --emit=plan and check --cost. Tested by tests/lit/dump/classifiers.xf.
#pragma once

#include "compiler/plan/classifier.h"
#include "compiler/plan/program.h"

#include <string>

namespace xdpc::plan {

std::string rulesOf(const Program& program, const Classifier& classifier); // "rules 3-1,002"
std::string describe(const Classifier& classifier);                        // "cut tree, 4 fields, 61 KB, about 20 ns"

} // namespace xdpc::plan
