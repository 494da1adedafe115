// Lines of tests and promises. Tested by tests/unit/parse/test_test.cpp.
#pragma once

#include "compiler/parse/input.h"

namespace xdpc::parse {

ast::TestLine readTestLine(Input& input, const Node& line);                     // given, expect_…, wait
ast::Protect readPromise(Input& input, const Node& promise, std::string title); // Kind::promise

} // namespace xdpc::parse
