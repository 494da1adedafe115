// Joins what the back end made of one program into the object that loaders take: its functions in `.text`, without
// those that nobody calls any more, which the kernel's verifier refuses; the types of all; no DWARF. Entry point: join.
#pragma once

#include "compiler/lower/prepared.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallString.h>

#include <cstdint>
#include <vector>

namespace xdpc::codegen {

// `objects` with each function in a section of its own; the first has the program and all data, the others functions
// that it calls. Functions that have a substitute get its code; a hidden one, whose calls do not return, becomes the
// end of the program. The same objects give the same bytes. Throws TooLarge (emit.h) where that is too far for a jump.
std::vector<uint8_t> join(llvm::ArrayRef<llvm::SmallString<0>> objects,
                          llvm::ArrayRef<lower::Substitute> substitutes = {});

} // namespace xdpc::codegen
