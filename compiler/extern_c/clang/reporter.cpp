// Reports to the sink.
#include "compiler/extern_c/clang/reporter.h"

#include <clang/Lex/Lexer.h>

#include <vector>

namespace xdpc::clang_plugin {

void Reporter::BeginSourceFile(const clang::LangOptions& language, const clang::Preprocessor*) {
  language_ = language;
}

void Reporter::tellFile(llvm::StringRef path, llvm::StringRef text) {
  if (told_.insert(path.str()).second)
    sink_.file(sink_.user, path.str().c_str(), text.data(), text.size());
}

void Reporter::tellFiles(const clang::SourceManager& manager) {
  std::set<std::string> paths; // in a stable order
  for (auto file = manager.fileinfo_begin(); file != manager.fileinfo_end(); ++file)
    paths.insert(file->first.getName().str());
  for (const std::string& path : paths) {
    if (llvm::StringRef(path).starts_with(kOwnHeaders))
      continue;
    for (auto file = manager.fileinfo_begin(); file != manager.fileinfo_end(); ++file)
      if (const auto text = file->second->getBufferDataIfLoaded(); text && file->first.getName() == path)
        tellFile(path, *text);
  }
}

// The place in a file: of a macro's expansion where it comes from one.
void Reporter::place(const clang::SourceManager& manager, clang::SourceLocation where, XdpcReport& report) {
  where = manager.getFileLoc(where);
  const auto [file, offset] = manager.getDecomposedLoc(where);
  const auto entry = manager.getFileEntryRefForID(file);
  if (!entry)
    return;
  path_ = entry->getName().str();
  tellFile(path_, manager.getBufferData(file));
  report.path = path_.c_str();
  report.begin = offset;
  report.end = offset + clang::Lexer::MeasureTokenLength(where, manager, language_);
}

void Reporter::HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic& info) {
  if (level == clang::DiagnosticsEngine::Ignored)
    return;
  DiagnosticConsumer::HandleDiagnostic(level, info);
  llvm::SmallString<128> message;
  info.FormatDiagnostic(message);
  XdpcReport report = {};
  report.severity = level >= clang::DiagnosticsEngine::Error     ? kXdpcError
                    : level >= clang::DiagnosticsEngine::Warning ? kXdpcWarning
                                                                 : kXdpcNote;
  errors_ += report.severity == kXdpcError;
  report.function = -1;
  report.message = message.c_str();
  report.help = "";
  std::vector<XdpcFix> fixes;
  if (info.hasSourceManager() && info.getLocation().isValid()) {
    const clang::SourceManager& manager = info.getSourceManager();
    place(manager, info.getLocation(), report);
    const clang::FileID file = manager.getFileID(manager.getFileLoc(info.getLocation()));
    for (const clang::FixItHint& hint : info.getFixItHints()) {
      const auto range = clang::Lexer::makeFileCharRange(hint.RemoveRange, manager, language_);
      if (range.isValid() && manager.getFileID(range.getBegin()) == file && !hint.CodeToInsert.empty())
        fixes.push_back({manager.getFileOffset(range.getBegin()), manager.getFileOffset(range.getEnd()),
                         hint.CodeToInsert.c_str()});
    }
  }
  report.fixes = fixes.data();
  report.fix_count = static_cast<unsigned>(fixes.size());
  sink_.report(sink_.user, &report);
}

void Reporter::error(const clang::SourceManager* manager, clang::SourceLocation where, const std::string& message,
                     const std::string& help, int function) {
  ++errors_;
  XdpcReport report = {};
  report.severity = kXdpcError;
  report.function = function;
  report.message = message.c_str();
  report.help = help.c_str();
  if (manager && where.isValid())
    place(*manager, where, report);
  sink_.report(sink_.user, &report);
}

} // namespace xdpc::clang_plugin
