// What to tell about a statement that does not match the grammar. Entry point: reportMismatch. The slips that people
// make have messages of their own, tried first; the rest is "expected … after …". Tested by
// tests/unit/parse/slips_test.cpp.
#pragma once

#include "compiler/parse/input.h"
#include "compiler/parse/match.h"
#include "compiler/parse/statements.h"

namespace xdpc::parse {

// A statement that did not match.
struct Failure {
  Input& input;
  std::string_view text; // the layout's
  Entry entry;
  Statement statement;
  const Mismatch& mismatch;
};

void reportMismatch(const Failure& failure);

// A slip with its own message: reported and true, or false.
bool reportSlip(const Failure& failure);

// The word, number, text or symbol at an offset; empty at the statement's end.
Span tokenAt(const Failure& failure, uint32_t offset);
Span tokenBefore(const Failure& failure, uint32_t offset);
bool expects(const Failure& failure, std::string_view what);

} // namespace xdpc::parse
