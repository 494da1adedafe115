// A policy's object from its source or from a file that `xdpc build` wrote: whichever FILE is.
#pragma once

#include "runtime/object/object.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::driver {

// Nothing on errors, which have been said; `code` is then the exit code.
std::optional<object::Object> objectOfFile(const std::string& path, const std::vector<std::string>& warnings,
                                           int& code);

} // namespace xdpc::driver
