// What compiles and is probably not meant: rules that are never reached, conditions that never hold, fragments that
// slip through, forgotten ARP, declarations without use. Runs over a policy without errors. Entry points: warnOfUnused,
// warn. Tested by tests/lit/warn, one file a warning.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/diag/diag.h"
#include "compiler/ir/ir.h"

namespace xdpc::analysis {

// `used`: the files that `file` uses. What they say is not asked for anything else.
void warnOfUnused(const ast::File& file, const std::vector<ast::File>& used, diag::Emitter& emitter); // unused

void warn(const ir::Policy& policy, diag::Emitter& emitter);

// Its parts, a file each.
void warnOfReach(const ir::Policy& policy, diag::Emitter& emitter);     // never-matches, unreachable-rule
void warnOfFragments(const ir::Policy& policy, diag::Emitter& emitter); // later-fragments
void warnOfNeighbors(const ir::Policy& policy, diag::Emitter& emitter); // no-neighbors
void warnOfMeters(const ir::Policy& policy, diag::Emitter& emitter);    // meter-never-exceeded, short-burst

} // namespace xdpc::analysis
