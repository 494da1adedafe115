// Puts what the configuration holds into the code, in place of loads of it: the loader knows it before the program is
// verified, and packets then need not load it each time. Entry point: foldConfig. Tested by
// tests/unit/object/fold_config_test.cpp.
#pragma once

#include "runtime/object/object.h"

namespace xdpc::object {

struct FoldedCode {
  std::vector<Instruction> program;     // as many instructions as before: lines and functions stay where they are
  std::vector<MapReference> references; // those that are left
};

// `config` as the loader writes it. What is not recognized stays, and reads the same from the map.
FoldedCode foldConfig(const Object& object, const abi::Config& config);

} // namespace xdpc::object
