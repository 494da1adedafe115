// The manifest in the kernel: a frozen one-entry array that holds a u32 length and the JSON text, so that a pinned
// policy describes itself. Tested in tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <string>
#include <string_view>

namespace xdpc::kernel {

KernelResult<Fd> createManifestMap(std::string_view json);
KernelResult<std::string> readManifestMap(int fd);

} // namespace xdpc::kernel
