// Bytes that a policy carries about itself, in the kernel: a frozen one-entry array that holds a u32 length and the
// bytes. So a pinned policy has its manifest and the object that it was loaded from. Tested in
// tests/runtime/load_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::kernel {

KernelResult<Fd> createManifestMap(std::string_view json);
KernelResult<std::string> readManifestMap(int fd);

// What object::packCode gives.
KernelResult<Fd> createCodeMap(std::string_view packed);
KernelResult<std::string> readCodeMap(int fd);

KernelResult<Fd> createObjectMap(std::span<const uint8_t> elf);
KernelResult<std::vector<uint8_t>> readObjectMap(int fd);

} // namespace xdpc::kernel
