// Which headers of a classifier packets can have together. Private to plan/classifier*.cpp.
#pragma once

#include "compiler/plan/classifier.h"

#include <set>

namespace xdpc::plan {

// The bits of the atoms that are these headers, or unions with one of them.
uint64_t signatureOf(const ir::Policy& policy, const std::vector<ir::HeaderId>& atoms, ir::HeaderId header);

// All signatures that a walk over the graph of headers can come out with, wherever it ends; some that none does.
std::set<uint64_t> possibleSignatures(const ir::Policy& policy, const std::vector<ir::HeaderId>& atoms);

} // namespace xdpc::plan
