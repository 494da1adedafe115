// The embedded engine: runs the very bytecode that would be loaded, with maps of its own and a settable clock, without
// privilege or kernel support. Entry point: load. What the program does wrong (a bad access, an unknown helper, a loop
// without end) is an EngineError with the instruction and the policy's line, never a crash. Tested by tests/unit/vm.
#pragma once

#include "runtime/engine/engine.h"

namespace xdpc::vm {

struct Options {
  uint64_t instruction_budget = 1'000'000; // per run; the kernel's verifier walks no more either
  uint32_t linear_bytes = 65'535;          // of a frame: what lies behind is in fragments, as with large MTUs
  uint64_t random_seed = 1;                // of bpf_get_prandom_u32, so that runs repeat
};

// The engine keeps what it needs; the object may go. Loaded in test mode, for one CPU.
Result<std::unique_ptr<engine::Engine>, engine::EngineError> load(const object::Object& object,
                                                                  const Options& options = {});

} // namespace xdpc::vm
