// What `xdpc set add|del|replace|load` is given: elements on the command line, in a file, or as JSON lines.
#pragma once

#include "driver/commands.h"
#include "runtime/abi/manifest.h"

#include <optional>

namespace xdpc::driver {

struct Wanted {
  abi::KeyValue element;
  std::optional<uint64_t> ttl_ns; // nothing: without an end
  std::string comment;            // may be empty
};

// All of them. Nothing on mistakes, which have been said, each with its line; `code` is then the exit code.
std::optional<std::vector<Wanted>> readWanted(const SetOptions& options, const abi::Set& set, int& code);

} // namespace xdpc::driver
