// Creates the maps of a policy as its manifest describes them, sized for this machine. Tested in
// tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"
#include "runtime/object/object.h"

#include <string>
#include <string_view>
#include <vector>

namespace xdpc::kernel {

// The kernel takes 15 characters of [A-Za-z0-9_.].
std::string kernelName(std::string_view name);

KernelResult<uint32_t> possibleCpus();

// One descriptor a map, in the manifest's order. Nothing is written into them yet.
KernelResult<std::vector<Fd>> createMaps(const abi::Manifest& manifest);
// Those that are invalid among `maps`, of a load that captures.
KernelResult<Done> completeMaps(const abi::Manifest& manifest, std::vector<Fd>& maps, uint32_t frame_ring_bytes);

// Puts `config` into the map of that role and freezes it, so that the verifier removes what is off. Nothing happens if
// the policy has no such map.
KernelResult<Done> fillConfig(const abi::Manifest& manifest, const std::vector<Fd>& maps, const abi::Config& config);

// Writes the object's tables into their maps and freezes them.
KernelResult<Done> fillTables(const object::Object& object, const std::vector<Fd>& maps);

} // namespace xdpc::kernel
