// Large constant sets and maps as tables that the object carries (lookup.h). Entry point: planTables. Tested by
// tests/lookup, tests/packet/load/sets.xf and tests/packet/maps.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

namespace xdpc::plan {

// Chooses the lookup of every constant set and map, and lays out their tables. Reports bounds that are exceeded.
// `wanted`: taken wherever it fits the keys.
void planTables(Program& program, std::optional<LookupKind> wanted, diag::Emitter& emitter);

} // namespace xdpc::plan
