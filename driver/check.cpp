// `xdpc check`: diagnoses, and prints what a phase gives. Tested by tests/lit/cli/check.test and tests/lit/diag.
#include "compiler/ast/print.h"
#include "compiler/ir/print.h"
#include "compiler/plan/print.h"
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/cost.h"
#include "driver/diagnostics_json.h"
#include "driver/output.h"

namespace xdpc::driver {

namespace {

// The dump, or nothing where a later phase found an error. The back end is run only where its output is asked for, or
// where the program may use more maps than a program can.
std::optional<std::string> dump(Compilation& compilation, const std::string& emit) {
  if (emit == "ast")
    return ast::toText(compilation.file);
  if (emit == "ir")
    return ir::toText(*compilation.policy);
  if (emit == "llvm") {
    const std::optional<lower::Module> module = moduleOf(compilation);
    return module ? std::optional(lower::toText(*module)) : std::nullopt;
  }
  if (emit == "asm")
    return assemblyOf(compilation);
  const std::optional<plan::Program> program = planOf(compilation); // its bounds are part of being right
  if (!program || (canExceedMaps(program->manifest) && !objectOf(compilation)))
    return {};
  return emit == "plan" ? plan::toText(*program) : std::string();
}

// A program is made for its length alone where the length is bounded.
bool boundsProgram(const Bounds& bounds) {
  return bounds.instructions < Bounds{}.instructions;
}

Until untilFor(const std::string& emit) {
  return emit == "ast" ? Until::parsed : emit == "ir" ? Until::checked : Until::planned;
}

int checkFile(const std::string& file, const CheckOptions& options) {
  int code = kFine;
  const Until until = untilFor(options.emit);
  auto compilation = compile(
      file, {.warnings = options.warnings, .bounds = options.bounds, .tables = !options.no_tables, .until = until},
      code);
  if (!compilation)
    return code;
  std::optional<std::string> text;
  if (!compilation->emitter.hasErrors() && until != Until::parsed && boundsProgram(options.bounds))
    objectOf(*compilation);
  if (!compilation->emitter.hasErrors())
    text = options.cost ? costText(*compilation, options.json ? CostForm::json : CostForm::table)
                        : dump(*compilation, options.emit);
  if (options.json && !options.cost) {
    print(diagnosticsJson(compilation->emitter, file));
    return text ? kFine : kWrong;
  }
  const bool right = report(*compilation);
  keepToTheEnd(std::move(compilation));
  if (!right)
    return kWrong;
  print(text.value_or(""));
  return text ? kFine : kWrong;
}

} // namespace

int checkCommand(const CheckOptions& options) {
  int code = kFine;
  for (const std::string& file : options.files)
    code = std::max(code, checkFile(file, options));
  return code;
}

} // namespace xdpc::driver
