// Opens the Clang plugin, once a process.
#pragma once

#include "compiler/extern_c/plugin.h"
#include "runtime/abi/result.h"

#include <string>
#include <vector>

namespace xdpc::extern_c {

struct Plugin {
  void (*compile)(const XdpcSource*, const XdpcSink*) = nullptr;
};

struct PluginError {
  std::string message;
  std::vector<std::string> tried; // paths, and what the system said of each
};

Result<Plugin, PluginError> openPlugin();

} // namespace xdpc::extern_c
