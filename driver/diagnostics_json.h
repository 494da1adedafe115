// Diagnostics for programs: `xdpc check --json`. Tested by tests/lit/cli/check_json.test.
#pragma once

#include "compiler/diag/diag.h"

#include <string>

namespace xdpc::driver {

// A line: those of one policy, by place, all of them. Places as in the text: lines and columns from 1, columns in
// bytes, ends exclusive.
std::string diagnosticsJson(const diag::Emitter& emitter, const std::string& file);

} // namespace xdpc::driver
