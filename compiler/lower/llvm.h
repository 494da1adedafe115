// LLVM's start, put off until a policy is lowered: most commands never get there.
#pragma once

namespace xdpc::lower {

// To be called before anything of LLVM is. Runs its static constructors (thousands of command-line options, 200 page
// faults) where the linker has kept them from running before `main`, and does nothing otherwise. From one thread.
void startLlvm();

} // namespace xdpc::lower
