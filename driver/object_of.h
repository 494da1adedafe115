// A policy's object from its source or from a file that `xdpc build` wrote: whichever FILE is.
#pragma once

#include "driver/compile.h"
#include "runtime/object/object.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::driver {

// Nothing on errors, which have been said; `code` is then the exit code. `planned` is told the manifest of a source as
// soon as it is known, before the back end runs.
using Planned = std::function<void(const abi::Manifest&)>;
std::optional<object::Object> objectOfFile(const std::string& path, const CompileOptions& options, int& code,
                                           const Planned& planned = {});

// The same with the bytes that it was read from.
struct ObjectFile {
  object::Object object;
  std::vector<uint8_t> elf;
};
std::optional<ObjectFile> readObjectOf(const std::string& path, const CompileOptions& options, int& code,
                                       const Planned& planned = {});

} // namespace xdpc::driver
