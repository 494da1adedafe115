// `xdpc fmt`: policies in the one layout. Tested by tests/lit/cli/fmt.test and tests/check/format.py.
#include "compiler/ast/print.h"
#include "compiler/format/format.h"
#include "compiler/parse/parse.h"
#include "driver/commands.h"
#include "driver/compile.h"
#include "driver/file.h"
#include "driver/output.h"

#include <filesystem>

namespace xdpc::driver {

namespace {

// The same tree, and so the same meaning.
bool isSame(const ast::File& file, const std::string& name, const std::string& text) {
  diag::Emitter emitter;
  const SourceFile source(name, text);
  const ast::File again = parse::parse(source, emitter);
  return !emitter.hasErrors() && ast::toText(file) == ast::toText(again);
}

// The file's text laid out; nothing where that failed, which has been said.
std::optional<std::string> formatted(const Compilation& compilation, int& code) {
  const SourceFile& source = *compilation.sources.files().front();
  diag::Emitter emitter;
  std::optional<std::string> text = format::format(source, emitter);
  if (text && isSame(compilation.file, source.name(), *text))
    return text;
  code =
      fail(kRefused, fmt::format("`{}` is left alone: laid out it would mean something else, which is a bug of xdpc; "
                                 "please report it with the file",
                                 source.name()));
  return {};
}

int write(const std::string& path, const std::string& text) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error); // a link stays one
  const auto bytes = std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const Result<Done, FileError> written = writeFile(error ? path : real.string(), bytes);
  return written ? kFine : fail(kRefused, written.error().message);
}

int formatFile(const std::string& path, const FmtOptions& options) {
  int code = kFine;
  const auto compilation = compile(path, {.until = Until::parsed}, code);
  if (!compilation)
    return code;
  if (!report(*compilation))
    return kWrong;
  const std::optional<std::string> text = formatted(*compilation, code);
  if (!text)
    return code;
  const bool differs = *text != compilation->sources.files().front()->text();
  if (options.check) {
    if (differs)
      print(fmt::format("{}: not formatted\n", path));
    return differs ? kWrong : kFine;
  }
  if (path == "-") {
    print(*text);
    return kFine;
  }
  return differs ? write(path, *text) : kFine;
}

} // namespace

int fmtCommand(const FmtOptions& options) {
  if (options.files.empty() != options.in_and_out)
    return fail(kUsage, "`xdpc fmt` takes files, or `--stdin`");
  int code = options.in_and_out ? formatFile("-", options) : kFine;
  for (const std::string& file : options.files)
    code = std::max(code, formatFile(file, options));
  return code;
}

} // namespace xdpc::driver
