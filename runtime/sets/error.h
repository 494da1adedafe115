// Failures of maps as failures of sets.
#pragma once

#include "runtime/sets/sets.h"

namespace xdpc::sets {

inline SetError machineError(const engine::MapError& error) {
  return {SetError::Kind::machine, error.message, {}, error.code};
}

} // namespace xdpc::sets
