// The names of verdicts: the one table. The language says "abort", the kernel XDP_ABORTED. Tested by
// tests/unit/abi/verdict_test.cpp.
#pragma once

#include "runtime/abi/abi.h"

#include <optional>
#include <string_view>

namespace xdpc::abi {

const char* verdictName(Verdict verdict); // "pass"; "none" for kNoVerdict and what is no verdict
std::optional<Verdict> verdictByName(std::string_view name);

} // namespace xdpc::abi
