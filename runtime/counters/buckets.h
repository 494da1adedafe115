// What is taken of a meter's buckets. Nothing here writes. Entry point: readBuckets. Tested by
// tests/live/keys.py.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <vector>

namespace xdpc::counters {

const abi::Meter* findMeter(const abi::Manifest& manifest, std::string_view name);

struct Bucket {
  abi::KeyValue key;       // empty: of a meter without keys
  uint64_t taken = 0;      // packets or bytes that have not come back yet, at most the burst
  uint64_t full_in_ns = 0; // until the bucket is full again
};

// Those that are not full, the emptiest first, equal ones by key. `now_ns`: CLOCK_MONOTONIC.
Result<std::vector<Bucket>, engine::MapError> readBuckets(const engine::Maps& maps, const abi::Manifest& manifest,
                                                          const abi::Meter& meter, uint64_t now_ns);

} // namespace xdpc::counters
