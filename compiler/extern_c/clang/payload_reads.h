// Bounds what C reads of payloads. Kernels before 6.8 learn nothing from comparing an index with a length that is no
// constant, and none learns from comparing pointers that do not belong to the packet: so the offset of every read is
// masked, just before it. Correct code reads the same bytes as before; a read behind the payload gives bytes without a
// meaning and never leaves the buffer (plugin.h).
#pragma once

#include "compiler/extern_c/clang/refused.h"

namespace xdpc::clang_plugin {

void boundPayloadReads(const XdpcSource& source, llvm::Module& module, const Places& places);

} // namespace xdpc::clang_plugin
