// Makes what lower/prepared.h describes, when xdpc is built. Entry point: prepare.
#pragma once

#include "compiler/codegen/codegen.h"

namespace xdpc::codegen {

struct MadeFunction {
  std::string name; // in the policy that it is from
  std::array<uint64_t, 2> fingerprint = {};
  std::vector<uint8_t> code;
  std::vector<lower::PreparedRelocation> relocations;
};

// All functions that the program calls and that have a fingerprint.
std::vector<MadeFunction> prepare(const plan::Program& program);

} // namespace xdpc::codegen
