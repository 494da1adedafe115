// `xdpc version`. Tested by tests/lit/cli/version.test.
#include "driver/commands.h"
#include "driver/output.h"
#include "runtime/abi/abi.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

int versionCommand(bool json) {
  if (json)
    printLine("{}", nlohmann::ordered_json{{"schema", kSchema}, {"version", XDPC_VERSION}, {"abi", abi::kAbi}}.dump());
  else
    printLine("xdpc {} (ABI {})", XDPC_VERSION, abi::kAbi);
  return kFine;
}

} // namespace xdpc::driver
