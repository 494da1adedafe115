// Lays arrays of tables out, one behind the other in as few maps as possible: a program names at most 64 maps. Private
// to plan/.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

namespace xdpc::plan {

using Bytes = std::vector<uint8_t>;

void append(Bytes& out, uint64_t number, unsigned bytes); // least significant byte first

class TableLayout {
public:
  explicit TableLayout(Program& program) : program_(program) {}

  // The bytes as an array of such elements, which begins at a multiple of 64 bytes.
  Array place(const Bytes& bytes, uint32_t element_bytes);
  // The same, with zeros up to the next power of two of elements, so that an index is bounded by its bits.
  Array placeRounded(Bytes bytes, uint32_t element_bytes);

  bool exceeded() const; // there are more tables than a program can name

private:
  Place put(std::span<const uint8_t> bytes);

  Program& program_;
  std::optional<uint32_t> last_;
  unsigned made_ = 0;
};

} // namespace xdpc::plan
