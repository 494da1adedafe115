// Which patterns are looked for in one pass over a payload, and the automaton that does it (Aho and Corasick, 1975, as
// a table of all transitions). Entry point: planScans. Tested by tests/unit/plan/scan_test.cpp and
// tests/packet/payload.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

#include <optional>
#include <span>

namespace xdpc::plan {

// A table is: the class of each byte (256 bytes); with several pattern sets, 256 masks of 64 bits; then a word of 32
// bits for each state and class, in a row a state, and zeros up to a power of two words. A word's low 24 bits are the
// index of the next state's row, the others say what was found on the way there: 0 for nothing, else the number of a
// mask, or 1 where there is one pattern set alone.
inline constexpr uint32_t kScanClasses = 256;
inline constexpr uint32_t kScanMasks = 256;
inline constexpr uint32_t kScanRowBits = 24;
inline constexpr unsigned kScanSets = 63; // of one scan: bit 63 of an answer says that it is one
inline constexpr uint32_t scanWords(unsigned sets) {
  return kScanClasses + (sets > 1 ? kScanMasks * uint32_t{sizeof(uint64_t)} : 0);
}

struct ScanTable {
  std::vector<uint8_t> bytes;
  uint32_t states = 0, classes = 0;
};
// Of up to kScanSets sets. Nothing if it would be too large.
std::optional<ScanTable> makeScanTable(std::span<const ir::PatternSet* const> sets);

// Fills scans, patterns and tables, and adds the tables' maps to the manifest.
void planScans(Program& program, diag::Emitter& emitter);

} // namespace xdpc::plan
