// Runs LLVM's optimizer and BPF back end over a module. Entry points: emitObject, emitAssembly. The same module gives
// the same bytes on any machine.
#pragma once

#include "compiler/lower/lower.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::codegen {

struct Options {
  std::string cpu = "v3"; // BPF instruction set: v3 loads on 5.12 and later, v4 on 6.6
};

// An ELF object: program, maps, BTF, line info, manifest. Takes the module because the optimizer changes it. Empty
// where the program is larger than BPF's jumps can cross or its stack can hold; so is the assembly.
std::vector<uint8_t> emitObject(lower::Module module, const Options& options = {});
std::string emitAssembly(lower::Module module, const Options& options = {}); // --emit=asm

} // namespace xdpc::codegen
