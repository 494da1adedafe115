// Text in the kernel that a pinned policy describes itself with: a frozen one-entry array that holds a u32 length and
// the bytes. The manifest's is JSON, the code's is object::packCode's. Tested in tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <string>
#include <string_view>

namespace xdpc::kernel {

KernelResult<Fd> createManifestMap(std::string_view json);
KernelResult<Fd> createCodeMap(std::string_view packed);
// Of either.
KernelResult<std::string> readManifestMap(int fd);

} // namespace xdpc::kernel
