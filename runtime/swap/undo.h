// The way back of a change that failed on one of several devices. Entry points: undoChange, forgetUndo. Tested in
// tests/runtime/instance_test.cpp and tests/live/crash.py.
#pragma once

#include "runtime/swap/intent.h"

namespace xdpc::swap {

// Every device runs again what it ran before, those that had joined run nothing, and what the new program counted is
// in the counts of the old one. Tries all devices; what fails leaves the intent to the next command.
Result<Done> undoChange(const Folder& folder, const Intent& intent);

// A change that goes on: whoever was killed may have begun to undo it.
Result<Done> forgetUndo(const Folder& folder, const Intent& intent);

} // namespace xdpc::swap
