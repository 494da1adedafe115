// What compiles and is probably not meant: rules that are never reached, conditions that never hold, fragments that
// slip through, forgotten ARP, declarations without use. Runs over a policy without errors. Entry points: warnOfUnused,
// warn. Tested by tests/lit/warn, one file a warning.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"

#include <functional>
#include <set>
#include <string>

namespace xdpc::analysis {

// What a file refers to, and what the declarations of those that it uses do. Its rules may be gone behind.
using Names = std::set<std::string, std::less<>>;
Names namesUsed(const ast::File& file, const std::vector<ast::File>& used);
void warnOfUnused(const ast::File& file, const Names& used, diag::Emitter& emitter); // unused

void warn(const ir::Policy& policy, diag::Emitter& emitter);

// Its parts, a file each.
void warnOfReach(const ir::Policy& policy, diag::Emitter& emitter);     // never-matches, unreachable-rule
void warnOfFragments(const ir::Policy& policy, diag::Emitter& emitter); // later-fragments
void warnOfNeighbors(const ir::Policy& policy, diag::Emitter& emitter); // no-neighbors
void warnOfMeters(const ir::Policy& policy, diag::Emitter& emitter);    // meter-never-exceeded, short-burst

} // namespace xdpc::analysis
