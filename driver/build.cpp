// `xdpc build`: a policy to one self-contained object. Tested by tests/lit/cli/build.test.
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/file.h"
#include "driver/output.h"

namespace xdpc::driver {

int buildCommand(const BuildOptions& options) {
  int code = kFine;
  const auto compilation = compile(
      options.file, {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables}, code);
  if (!compilation)
    return code;
  std::optional<std::vector<uint8_t>> object;
  if (!compilation->emitter.hasErrors())
    object = objectOf(*compilation);
  if (!report(*compilation))
    return kWrong;
  if (const auto written = writeFile(options.output, *object); !written)
    return fail(kRefused, written.error().message);
  return kFine;
}

} // namespace xdpc::driver
