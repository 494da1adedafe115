// Large constant sets and maps as sorted tables, which the object carries. Entry point: planTables. Tested by
// tests/packet/load/sets.xf and tests/packet/maps.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

namespace xdpc::plan {

// Chooses the lookup of every constant set, and lays out the tables of sets and maps. Reports bounds that are exceeded.
void planTables(Program& program, diag::Emitter& emitter);

} // namespace xdpc::plan
