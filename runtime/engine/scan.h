// All keys of a hash or trie.
#pragma once

#include "runtime/engine/maps.h"

#include <vector>

namespace xdpc::engine {

// Each key once, in the map's own order. A program may add and remove keys meanwhile: what is there from start to end
// is found unless the map changes faster than it can be walked.
Result<std::vector<abi::Bytes>, MapError> keys(const Maps& maps, uint32_t map);

} // namespace xdpc::engine
