// Every clean frame cut at every length, and with bytes behind it. Entry point: cutCases.
#pragma once

#include "tests/differential/case.h"
#include "tests/differential/vocabulary.h"

namespace xdpc::differential {

std::vector<Case> cutCases(const Vocabulary& words);

// Bytes behind the last header never change a verdict: true if they do not by the oracle, with which the engines agree
// on the same frames.
bool paddingIsIgnored(const Case& cuts);

} // namespace xdpc::differential
