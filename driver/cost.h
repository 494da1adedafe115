// What a policy costs, from its plan and its object: instructions, calls and map memory, rule by rule. Entry point:
// costText. Tested by tests/lit/cli/cost.test.
#pragma once

#include "driver/compile.h"

#include <optional>
#include <string>

namespace xdpc::driver {

enum class CostForm { table, json };

// Nothing where a bound is exceeded, which is then in the emitter. The policy must be ok().
std::optional<std::string> costText(Compilation& compilation, CostForm form);

} // namespace xdpc::driver
