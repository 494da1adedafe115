// Every field with every operator: match, no match, both families, negation, truncation, tags. Entry point:
// fieldCases.
#pragma once

#include "tests/differential/case.h"
#include "tests/differential/vocabulary.h"

namespace xdpc::differential {

// One case a header, more where it has many fields.
std::vector<Case> fieldCases(const Vocabulary& words);

} // namespace xdpc::differential
