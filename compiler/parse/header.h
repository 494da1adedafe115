// Declarations of headers. Tested by tests/unit/parse/header_test.cpp.
#pragma once

#include "compiler/parse/input.h"

namespace xdpc::parse {

ast::HeaderDecl readHeader(Input& input, const Node& header); // Kind::header_declaration, Kind::extend_declaration

} // namespace xdpc::parse
