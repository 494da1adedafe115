// Slots and maps for what a policy keeps: counters, sets, meters, events. Slot and map order is part of the ABI's
// manifest; names are what survives a swap. Entry point: planState.
#pragma once

#include "compiler/diag/diag.h"
#include "compiler/plan/program.h"

namespace xdpc::plan {

// Fills everything of the program that names a slot or a map. Reports bounds that are exceeded.
void planState(Program& program, diag::Emitter& emitter);

} // namespace xdpc::plan
