// The heap in large pages. Tested by all that compiles.
#pragma once

#include <cstddef>

namespace xdpc::driver {

// So many bytes are likely to be allocated: where that is much, their addresses become part of the heap at once, in
// large pages. Memory that nobody touches stays addresses.
void expectHeap(size_t bytes);

} // namespace xdpc::driver
