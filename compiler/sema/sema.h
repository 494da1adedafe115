// Checks a policy against the standard library's headers and gives typed IR. Entry point: check.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"

#include <optional>
#include <vector>

namespace xdpc::sema {

// `library` is the parsed standard library (headers and constants), in any order. Nothing on errors, which are in
// `emitter`.
std::optional<ir::Policy> check(const ast::File& file, const std::vector<ast::File>& library, diag::Emitter& emitter);

} // namespace xdpc::sema
