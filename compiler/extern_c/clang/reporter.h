// Clang's diagnostics, and our own about C, on their way to the sink: places become bytes of a file.
#pragma once

#include "compiler/extern_c/plugin.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/LangOptions.h>
#include <clang/Basic/SourceManager.h>

#include <set>
#include <string>

namespace xdpc::clang_plugin {

class Reporter : public clang::DiagnosticConsumer {
public:
  explicit Reporter(const XdpcSink& sink) : sink_(sink) {}

  void BeginSourceFile(const clang::LangOptions& language, const clang::Preprocessor* preprocessor) override;
  void HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic& info) override;

  // An error of ours, about a function of the policy if `function` is not -1. Without a manager it has no place.
  void error(const clang::SourceManager* manager, clang::SourceLocation place, const std::string& message,
             const std::string& help, int function = -1);
  // Tells the sink of all files that were read. Those that we bring along start with `kOwnHeaders`.
  void tellFiles(const clang::SourceManager& manager);
  bool failed() const { return errors_ > 0; }

  static constexpr const char* kOwnHeaders = "/xdpc-headers";

private:
  void tellFile(llvm::StringRef path, llvm::StringRef text);
  void place(const clang::SourceManager& manager, clang::SourceLocation where, XdpcReport& report);

  const XdpcSink& sink_;
  clang::LangOptions language_;
  std::set<std::string> told_;
  std::string path_;
  unsigned errors_ = 0;
};

} // namespace xdpc::clang_plugin
