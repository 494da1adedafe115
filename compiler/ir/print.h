// The checked policy as stable text, for --emit=ir and for messages. Entry point: toText. Tested by
// tests/unit/sema/ir_test.cpp.
#pragma once

#include "compiler/ir/ir.h"

#include <string>

namespace xdpc::ir {

std::string toText(const Policy& policy);
std::string toText(const Policy& policy, const Expr& expr); // one expression, fully bracketed
std::string typeName(const Type& type);                     // "u16", "port", "ip"
std::string typeName(const std::vector<Type>& parts);       // "ip", "(ip, port)"
const char* opText(Op op);                                  // "=="

} // namespace xdpc::ir
