// What stands between two tokens of one line. Tested by tests/unit/format.
#pragma once

#include "compiler/format/token.h"

#include <span>
#include <string_view>

namespace xdpc::format {

// Where in its statement a token stands.
struct Place {
  std::string_view first_word; // of the statement: "meter"
  char bracket = 0;            // the innermost open one: ( [ or {; 0: none, or a block's
  bool unary_minus_before = false;
};

// Blanks before tokens[at], which is not the first of its line: 0, 1, or 2 between the clauses of a declaration.
unsigned blanksBefore(std::span<const Token> tokens, size_t at, const Place& place);

// Whether the `-` at this place is a sign and no subtraction.
bool isSign(std::span<const Token> tokens, size_t at);

} // namespace xdpc::format
