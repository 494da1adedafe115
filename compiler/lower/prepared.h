// Functions that were compiled before, when xdpc was built, and stand for those of a policy with the same fingerprint:
// its code then is the back end's of the same function, which took it a thousand times as long. See
// docs/decisions/0230-prepared-functions.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xdpc::lower {

struct PreparedRelocation {
  uint32_t offset = 0;    // bytes, in the code
  uint32_t type = 0;      // R_BPF_*; the addend is in the code
  uint32_t reference = 0; // index into the references of the function's fingerprint
};

struct PreparedFunction {
  std::array<uint64_t, 2> fingerprint = {}; // fingerprint.h
  std::span<const uint8_t> code;            // BPF instructions
  std::span<const PreparedRelocation> relocations;
};

// In the order of their fingerprints.
using PreparedFunctions = std::span<const PreparedFunction>;

// A function of a module whose body is a return alone, and what stands for it in the object.
struct Substitute {
  std::string function;
  const PreparedFunction* prepared = nullptr;
  std::vector<std::string> references; // symbols, by the relocations' numbers
};

} // namespace xdpc::lower
