// Whole files for the parser's tests: the standard library, the examples, a file with every construct; and mutations of
// them, the same in every run.
#pragma once

#include <string>
#include <vector>

namespace xdpc::parse::testing {

const std::vector<std::string>& corpus();
std::vector<std::string> mutations(unsigned count);

} // namespace xdpc::parse::testing
