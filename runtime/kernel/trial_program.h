// The program of a trial: until a deadline it hands every packet over to the new policy, from then on to the one
// before. The kernel itself ends the trial, whoever is dead by then. Entry point: loadTrialProgram. Tested in
// tests/live/trial.py.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>

namespace xdpc::kernel {

struct TrialProgram {
  Fd program;
  Fd array; // of tail calls; it holds both policies as long as it is open or pinned somewhere
};

// `previous` may be invalid: then packets pass after the deadline. Coarse CLOCK_MONOTONIC.
KernelResult<TrialProgram> loadTrialProgram(const Fd& program, const Fd& previous, uint64_t deadline_ns);

// From now on packets before the deadline go to this load of the new policy.
KernelResult<Done> handOverTo(const Fd& array, const Fd& program);

// What the program compares with the deadline.
uint64_t coarseMonotonic();

} // namespace xdpc::kernel
