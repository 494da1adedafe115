// Bounds of a policy that a flag sets: what is beyond one is an error that names it. What the phases bound for their
// own sake stays as it is. Tested by tests/lit/cli/bounds.test.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"
#include "runtime/abi/manifest.h"

#include <cstdint>
#include <span>

namespace xdpc::driver {

struct Bounds {
  unsigned depth = 200;                 // --max-depth: of brackets and `not`
  uint64_t rules = 100'000;             // --max-rules
  uint64_t elements = 4u << 20;         // --max-elements: of constant sets, and initial ones, together
  uint64_t memory = uint64_t{16} << 30; // --max-memory: bytes of all maps, on one CPU
  uint64_t instructions = 1'000'000;    // --max-instructions
  unsigned errors = 20;                 // --max-errors: that are printed, and so many warnings; 0: all
};

void checkBounds(const ir::Policy& policy, const Bounds& bounds, diag::Emitter& emitter);
// `policy`: where its name stands.
void checkBounds(const abi::Manifest& manifest, Span policy, const Bounds& bounds, diag::Emitter& emitter);
void checkBounds(std::span<const uint8_t> object, Span policy, const Bounds& bounds, diag::Emitter& emitter);

// The kernel's own bound, which no flag sets: maps that one program uses. Which ones that are only its code tells.
bool canExceedMaps(const abi::Manifest& manifest);
void checkMaps(std::span<const uint8_t> object, Span policy, diag::Emitter& emitter);

uint64_t bytesOf(const abi::Map& map); // as declared; what the kernel adds to an entry is its own

} // namespace xdpc::driver
