// Takes DWARF out of an object; BTF stays.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <vector>

namespace xdpc::codegen {

std::vector<uint8_t> stripDebug(llvm::StringRef object);

} // namespace xdpc::codegen
