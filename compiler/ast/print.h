// The syntax tree as indented text: the dump of --emit=ast. Expressions print on one line, the operator first:
// `(and tcp.syn (not tcp.ack))`. Tested by tests/unit/parse.
#pragma once

#include "compiler/ast/ast.h"

#include <string>

namespace xdpc::ast {

std::string toText(const File& file);
std::string toText(const Expr& expr);
const char* spelling(Op op); // "==", "not in"

} // namespace xdpc::ast
