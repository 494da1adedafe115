// Lowers a plan, and runs LLVM's optimizer and BPF back end. Entry points: emitObject, emitAssembly. The same plan
// gives the same bytes on any machine.
#pragma once

#include "compiler/lower/lower.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::codegen {

struct Options {
  std::string cpu = "v3";            // BPF instruction set: v3 loads on 5.12 and later, v4 on 6.6
  void (*thread_starts)() = nullptr; // called first in each thread of emitObject's own
  lower::PreparedFunctions prepared; // compiled with `cpu`, and so need not be compiled again
};

// LLVM's start, which the others see to where it has not been called: apart, so that it can be done early. From one
// thread.
void start();

// An ELF object: program, maps, BTF, line info, manifest. Several threads have a share of the functions each. Empty
// where the program is larger than BPF's jumps can cross or its stack can hold, with what it calls.
std::vector<uint8_t> emitObject(const plan::Program& program, lower::Presence presence, const Options& options = {});

// Takes the module because the optimizer changes it. Empty where an object would be.
std::string emitAssembly(lower::Module module, const Options& options = {}); // --emit=asm

} // namespace xdpc::codegen
