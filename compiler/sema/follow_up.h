// Mistakes that only follow from others. Private to sema/.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"

#include <set>
#include <string>

namespace xdpc::sema {

// The names that statements declare which the parser did not understand: they are not there, and their uses are no
// mistakes.
std::set<std::string, std::less<>> wordsLost(const ast::File& file, const diag::Emitter& emitter);

} // namespace xdpc::sema
