// What the running kernel can do for policies, found by trying where that is possible. Entry point: kernelFacts. Tested
// by tests/live/features.py.
#pragma once

#include "runtime/kernel/error.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::kernel {

struct KernelFacts {
  std::string release;                           // as `uname -r` says
  std::vector<std::string> missing_capabilities; // of this process
  std::optional<bool> jit;                       // nothing if it cannot be read
  bool btf = false;                              // the kernel tells its own types
  // Nothing where a capability is missing to find out.
  std::optional<bool> programs;    // all helpers and kinds of instructions that every policy needs
  std::optional<bool> isa_v4;      // instructions of the fourth set
  std::optional<bool> ring_buffer; // events and captures
  bool frags_flag = false;         // a program can tell at once whether a frame has several buffers
  bool inlined_cpu = false;        // a count needs no helper call (from 6.10)
};

KernelFacts kernelFacts();

} // namespace xdpc::kernel
