// Literals to expressions: numbers with suffix or unit, addresses, prefixes, MACs, ranges, bytes. What is wrong with
// one is reported, and the expression then holds a zero. Tested by tests/unit/parse/literal_test.cpp.
#pragma once

#include "compiler/parse/input.h"

#include <optional>

namespace xdpc::parse {

ast::Expr readLiteral(Input& input, const Node& literal); // Kind::literal
ast::Expr readBytes(Input& input, const Node& bytes);     // Kind::bytes_literal
std::string readText(Input& input, const Node& quoted);   // Kind::title, or a bytes_literal that is a name
uint64_t readNumber(Input& input, const Node& number);    // Kind::number without a unit
// What is meant by a unit of another case, `mbps` or `KiB/s` aside: nothing, or one of the language's.
std::optional<std::string_view> unitMeant(std::string_view unit);
std::optional<uint64_t> readSample(Input& input, const Node& sample); // Kind::sample: N of 1/N

} // namespace xdpc::parse
