// Consistency of a manifest that was read: every index is in range, every size fits its type.
#pragma once

#include "runtime/abi/manifest.h"

namespace xdpc::abi {

// The first problem in one line, or nothing: "`sets[0].exact_map` names map 7 of 5".
std::string inconsistency(const Manifest& manifest);

} // namespace xdpc::abi
