// When a program that ran for a while goes again (a trial that is over, a change that was undone), what it counted is
// added to the counts of the program before it. Entry points: handBack, keepInstead. Tested in tests/live/trial.py and
// tests/runtime/instance_test.cpp.
#pragma once

#include "runtime/swap/generation.h"

namespace xdpc::swap {

// Before the links are updated: from then on the counts of `before` are its own and those of `gone`, and settle() takes
// them over. `gone` carried from `before`.
Result<Done> handBack(const Generation& gone, const Generation& before);

// Forgets a handBack() to the generation `before` that was begun: what was to go stays.
Result<Done> keepInstead(const Folder& folder, uint32_t before);

} // namespace xdpc::swap
