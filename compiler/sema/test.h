// `test` blocks. Private to sema/.
#pragma once

#include "compiler/sema/scope.h"

namespace xdpc::sema {

void checkTest(Scope& scope, const ast::Test& test);

} // namespace xdpc::sema
