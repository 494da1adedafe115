// Literals to expressions: numbers with suffix or unit, addresses, prefixes, MACs, ranges, bytes. What is wrong with
// one is reported, and the expression then holds a zero. Tested by tests/unit/parse/literal_test.cpp.
#pragma once

#include "compiler/parse/input.h"

#include <optional>

namespace xdpc::parse {

ast::Expr readLiteral(Input& input, const Node& literal);             // Kind::literal
ast::Expr readBytes(Input& input, const Node& bytes);                 // Kind::bytes_literal
std::string readText(Input& input, const Node& quoted);               // Kind::title, or a bytes_literal that is a name
uint64_t readNumber(Input& input, const Node& number);                // Kind::number without a unit
std::optional<uint64_t> readSample(Input& input, const Node& sample); // Kind::sample: N of 1/N

} // namespace xdpc::parse
