// See used_files.h.
#include "driver/used_files.h"

#include "compiler/extern_c/extern_c.h"
#include "compiler/parse/parse.h"
#include "driver/file.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

namespace xdpc::driver {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxUsed = 1000;

std::string pathBeside(const SourceFile& file, std::string_view path) {
  const bool has_folder = file.name() != "<stdin>";
  const fs::path folder = has_folder ? fs::path(file.name()).parent_path() : fs::path();
  const std::string joined = (folder / fs::path(path)).string();
  return joined == "-" ? "./-" : joined; // "-" alone is standard input
}

// What names the same file, however it is written.
std::string identity(const std::string& path) {
  std::error_code failure;
  const fs::path canonical = fs::weakly_canonical(path, failure);
  return failure ? path : canonical.string();
}

const SourceFile* read(Compilation& compilation, const std::string& path, Span place, diag::Emitter& emitter) {
  Result<std::string, FileError> text = readFile(path, parse::Limits{}.bytes);
  if (!text) {
    emitter.report(diag::Id::unreadable_file, place, text.error().message);
    return nullptr;
  }
  if (const size_t nul = text->find('\0'); nul != std::string::npos) {
    emitter.report(diag::Id::unreadable_file, place, fmt::format("`{}` is no text: byte {} is zero", path, nul));
    return nullptr;
  }
  return &compilation.sources.add(path, std::move(*text));
}

class UsedFiles {
public:
  explicit UsedFiles(Compilation& compilation) : compilation_(compilation) {
    seen_.insert(identity(compilation.file.source->name()));
  }

  // Files that a file uses come before those that these use. A cycle ends at what is there already.
  void run() {
    std::vector<ast::Use> waiting = compilation_.file.uses;
    for (size_t i = 0; i < waiting.size(); ++i) {
      const std::string path = pathBeside(*waiting[i].span.file, waiting[i].path);
      if (!seen_.insert(identity(path)).second)
        continue;
      if (compilation_.used.size() == kMaxUsed) {
        compilation_.emitter.report(diag::Id::too_many, waiting[i].span,
                                    fmt::format("more than {} files are used", kMaxUsed));
        return;
      }
      const SourceFile* source = read(compilation_, path, waiting[i].span, compilation_.emitter);
      if (!source)
        continue;
      compilation_.named.push_back(source);
      compilation_.used.push_back(parse::parse(*source, compilation_.emitter));
      const std::vector<ast::Use>& uses = compilation_.used.back().uses;
      waiting.insert(waiting.end(), uses.begin(), uses.end());
    }
  }

private:
  Compilation& compilation_;
  std::set<std::string> seen_;
};

} // namespace

void readUsedFiles(Compilation& compilation) {
  UsedFiles(compilation).run();
}

void compileC(Compilation& compilation, diag::Emitter& emitter) {
  const extern_c::Files files{
      .read = [&](std::string_view path, Span place) { return readList(compilation, path, place, emitter); },
      .add = [&](std::string path, std::string text) -> const SourceFile& {
        compilation.named.push_back(&compilation.sources.add(std::move(path), std::move(text)));
        return *compilation.named.back();
      }};
  extern_c::compile(*compilation.policy, files, emitter);
}

const SourceFile* readList(Compilation& compilation, std::string_view path, Span place, diag::Emitter& emitter) {
  const std::string beside = pathBeside(*place.file, path);
  const auto [found, fresh] = compilation.lists.try_emplace(identity(beside), nullptr);
  if (!fresh && found->second)
    return found->second;
  found->second = read(compilation, beside, place, emitter);
  if (found->second)
    compilation.named.push_back(found->second);
  return found->second;
}

} // namespace xdpc::driver
