// Rows of tables as bytes. Private to plan/table.cpp.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

namespace xdpc::plan {

struct Row {
  std::vector<uint64_t> key, last; // words, the most significant first
  const ir::MapEntry* value = nullptr;
};

// How a table's rows look.
struct RowShape {
  unsigned word_bytes = 8;
  bool ranges = false;      // a row's key goes up to its last
  unsigned value_bytes = 0; // of a map
  bool addresses = false;   // its values are addresses
};

class TableLayout {
public:
  TableLayout(Program& program, diag::Emitter& emitter) : program_(program), emitter_(emitter) {}

  // Rows in ascending order, at least one. Nothing where they do not fit a map, which is reported at `place`.
  std::optional<Table> add(const std::vector<Row>& rows, const RowShape& shape, Span place);

private:
  std::vector<uint8_t>& roomFor(uint64_t bytes, uint32_t& map);

  Program& program_;
  diag::Emitter& emitter_;
  std::optional<uint32_t> last_;
  unsigned made_ = 0;
};

} // namespace xdpc::plan
