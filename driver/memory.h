// Memory that is there before it is touched. Tested by all that compiles. What fails here costs time only.
#pragma once

#include <cstddef>

namespace xdpc::driver {

// So many bytes are likely to be allocated: where that is much, their addresses become part of the heap at once, in
// large pages. Memory that nobody touches stays addresses.
void expectHeap(size_t bytes);

// In a thread that has just started, and will allocate some megabytes.
void expectThreadHeap();

// The command's own code and data, most of which a compilation touches.
void expectCompiler();

} // namespace xdpc::driver
