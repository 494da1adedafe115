// Random policies that compile: every construct of rules and state that the language has.
#pragma once

#include "tests/differential/case.h"
#include "tests/differential/vocabulary.h"

namespace xdpc::differential {

PolicyText randomPolicy(const Vocabulary& words, Random& random);

} // namespace xdpc::differential
