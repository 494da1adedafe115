// Declarations of constants and state, and the clauses that they share. Tested by tests/unit/parse/state_test.cpp.
#pragma once

#include "compiler/parse/input.h"

namespace xdpc::parse {

// Adds what a top-level declaration without a block says to the file: const, set, map, counter, meter, event, use,
// header.
void readDeclaration(Input& input, const Node& declaration, ast::File& file);

ast::Clauses readClauses(Input& input, const Node& clauses); // Kind::clauses, Kind::inline_meter

} // namespace xdpc::parse
