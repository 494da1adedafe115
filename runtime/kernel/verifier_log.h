// The verifier's log, translated: which rule and line of the policy, and the one line that says why. Entry point:
// refusal. Tested in tests/unit/runtime/verifier_log_test.cpp and, on the real verifier, tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/object/object.h"

#include <optional>
#include <string>
#include <string_view>

namespace xdpc::kernel {

// What the log says, not counting the closing statistics: "R1 invalid mem access 'scalar'". Empty if it says nothing.
std::string lastSentence(std::string_view log);

// The instruction that the verifier looked at last.
std::optional<uint32_t> lastInstruction(std::string_view log);

// "rule `ssh` (web.xf:14)", "web.xf:3" before all rules, or nothing if the object knows no lines.
std::string placeOf(const object::Object& object, uint32_t instruction);

// Whether the instruction comes from a C function of the policy: its line is in a file that holds no rules.
bool isInC(const object::Object& object, uint32_t instruction);

// The error for a program that the verifier refused. Writes the whole log into a file in the temporary directory.
KernelError refusal(const object::Object& object, std::string_view log, int code);

} // namespace xdpc::kernel
