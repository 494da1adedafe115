// `xdpc build`: a policy to one self-contained object. Tested by tests/lit/cli/build.test.
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/file.h"
#include "driver/output.h"

namespace xdpc::driver {

namespace {

std::vector<std::string> namedFiles(const Compilation& compilation) {
  std::vector<std::string> paths;
  for (const SourceFile* file : compilation.named)
    paths.emplace_back(file->name());
  return paths;
}

} // namespace

int buildCommand(const BuildOptions& options) {
  if (const auto kept = keepInputs(options.output, {options.file}); !kept)
    return fail(kUsage, kept.error().message);
  int code = kFine;
  const auto compilation = compile(
      options.file,
      {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables, .until = Until::object},
      code);
  if (!compilation)
    return code;
  std::optional<std::vector<uint8_t>> object;
  if (!compilation->emitter.hasErrors())
    object = objectOf(*compilation);
  if (!report(*compilation))
    return kWrong;
  if (const auto kept = keepInputs(options.output, namedFiles(*compilation)); !kept)
    return fail(kUsage, kept.error().message);
  if (const auto written = writeFile(options.output, *object); !written)
    return fail(kRefused, written.error().message);
  return kFine;
}

} // namespace xdpc::driver
