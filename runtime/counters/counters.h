// Reads the counters of a loaded policy, live or under test. Nothing here writes.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <vector>

namespace xdpc::counters {

std::optional<uint32_t> findSlot(const abi::Manifest& manifest, std::string_view name, abi::SlotKind kind);
const abi::Counter* findCounter(const abi::Manifest& manifest, std::string_view name);

// The count of a slot is base + the sum over the rows of all CPUs, modulo 2^64.
Result<abi::Cell, engine::MapError> readSlot(const engine::Maps& maps, const abi::Manifest& manifest, uint32_t slot);
// Of all slots, by slot number.
Result<std::vector<abi::Cell>, engine::MapError> readSlots(const engine::Maps& maps, const abi::Manifest& manifest);

// The two parts of that: what programs counted, and what user space wrote.
Result<std::vector<abi::Cell>, engine::MapError> readCells(const engine::Maps& maps, const abi::Manifest& manifest);
Result<std::vector<abi::Cell>, engine::MapError> readBase(const engine::Maps& maps, const abi::Manifest& manifest);

struct KeyedCount {
  abi::KeyValue key;
  abi::Cell cell;
};

// `counter` has a map. A key that was never counted has a count of zero.
Result<abi::Cell, engine::MapError> readKey(const engine::Maps& maps, const abi::Manifest& manifest,
                                            const abi::Counter& counter, const abi::KeyValue& key);
// The most packets first, equal ones by key.
Result<std::vector<KeyedCount>, engine::MapError> readKeys(const engine::Maps& maps, const abi::Manifest& manifest,
                                                           const abi::Counter& counter);

} // namespace xdpc::counters
