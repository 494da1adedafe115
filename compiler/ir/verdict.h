// A policy's verdict as the word of the language and as the kernel's action: the one mapping, read by plan, lower and
// the test runner. Tested by tests/unit/sema/verdict_test.cpp.
#pragma once

#include "compiler/ir/ir.h"
#include "runtime/abi/verdict.h"

#include <string_view>

namespace xdpc::ir {

abi::Verdict actionOf(Verdict verdict);
const char* verdictName(Verdict verdict); // "drop"
std::optional<Verdict> verdictByName(std::string_view name);

} // namespace xdpc::ir
