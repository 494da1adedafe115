// Loads an object into the kernel with libbpf's low-level calls: maps, BTF, program. Entry point: loadPolicy. Nothing
// is attached or pinned, and everything goes away with the result. Tested in tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/live_maps.h"
#include "runtime/object/object.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::kernel {

struct ProgramInfo {
  uint32_t id = 0;
  std::string name;
  std::string tag;           // hexadecimal
  uint64_t load_time_ns = 0; // CLOCK_BOOTTIME
  uint32_t xlated_bytes = 0, jited_bytes = 0, verified_instructions = 0;
};
KernelResult<ProgramInfo> programInfo(int fd);
// Ids of the maps that the program uses.
KernelResult<std::vector<uint32_t>> mapsOfProgram(int fd);

struct LoadedPolicy {
  Fd program;
  Fd manifest, code; // maps, see frozen_bytes.h
  std::unique_ptr<LiveMaps> maps;
  ProgramInfo info;
  std::vector<std::string> warnings; // the policy works, but …
};

// What a load needs besides the program, and can be had while that is still being compiled.
struct Groundwork {
  std::vector<Fd> maps;
  std::optional<uint32_t> cast_function; // see kernel_types.h
  uint64_t hash_seed = 0;                // of tables among the maps that have one; else it is drawn
};
KernelResult<Groundwork> layGroundwork(const abi::Manifest& manifest);
// Over maps that are there.
KernelResult<Groundwork> groundworkOver(std::vector<Fd> maps);

// `mode`: bits of abi::Mode. A refusal by the verifier is translated (verifier_log.h). Without `groundwork` it is laid
// now.
KernelResult<LoadedPolicy> loadPolicy(const object::Object& object, uint32_t mode,
                                      std::optional<Groundwork> groundwork = std::nullopt);

} // namespace xdpc::kernel
