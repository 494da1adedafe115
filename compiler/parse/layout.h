// The pre-pass before the grammar: a text of the same length in which comments are blanks, lines that go on are joined,
// and the boundaries of statements and blocks are known. Entry point: layOut. Reports what the grammar cannot see well:
// brackets without a partner, endless nesting, text without its closing quote, a `{` on the next line, bytes that are
// not text. Tested by tests/unit/parse/layout_test.cpp.
#pragma once

#include "compiler/basic/source.h"
#include "compiler/diag/diag.h"
#include "compiler/parse/parse.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::parse {

// Where a statement ends, or a block (of a policy, a rule, a test …) opens or closes. The braces of literals and of
// declarations are no boundaries: they belong to their statement.
struct Boundary {
  enum class Kind : uint8_t { End, Open, Close };
  Kind kind;
  uint32_t offset; // of the newline, `;` or brace
  uint32_t resume; // behind it; equal to offset where a missing `}` was assumed
};

struct Layout {
  std::string text;                 // offsets are the source's
  std::vector<Boundary> boundaries; // in order, Open and Close balanced, then one Close for the end of the file
  std::vector<uint32_t> damaged; // places of reported errors, in order: their statements fail without a second report
};

// Nothing if the text cannot be parsed at all (not text, too large, nested too deep).
std::optional<Layout> layOut(const SourceFile& source, diag::Emitter& emitter, const Limits& limits);

} // namespace xdpc::parse
