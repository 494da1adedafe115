// The plugin lies beside the executable, as it is built, or in ../lib/xdpc of an installation. It is never closed: LLVM
// leaves handlers behind.
#include "compiler/extern_c/open_plugin.h"

#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>

namespace xdpc::extern_c {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "xdpc-clang.so";

std::vector<fs::path> places() {
  std::error_code failure;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failure).parent_path();
  if (failure)
    return {};
  return {folder / kName, (folder / "../lib/xdpc" / kName).lexically_normal()};
}

} // namespace

Result<Plugin, PluginError> openPlugin() {
  PluginError error{.message = fmt::format("C functions need `{}`, which is not installed", kName), .tried = {}};
  for (const fs::path& path : places()) {
    std::error_code failure;
    if (!fs::exists(path, failure)) {
      error.tried.push_back(path.string());
      continue;
    }
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      error.message = fmt::format("`{}` cannot be opened", kName);
      error.tried.push_back(fmt::format("{}: {}", path.string(), dlerror()));
      continue;
    }
    const auto abi = reinterpret_cast<int (*)()>(dlsym(library, "xdpcClangAbi"));
    Plugin plugin;
    plugin.compile = reinterpret_cast<decltype(plugin.compile)>(dlsym(library, "xdpcClangCompile"));
    if (abi && plugin.compile && abi() == kXdpcClangAbi)
      return plugin;
    error.message = fmt::format("`{}` is another version's", kName);
    error.tried.push_back(path.string());
  }
  return error;
}

} // namespace xdpc::extern_c
