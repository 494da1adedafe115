// A policy's text, parsed: the tree as text and the diagnostics, for the parser's tests.
#pragma once

#include "compiler/ast/print.h"
#include "compiler/parse/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace xdpc::parse::testing {

struct Parsed {
  explicit Parsed(std::string text, Limits limits = {})
      : source(sources.add("test.xf", std::move(text))), file(parse(source, emitter, limits)) {}

  std::string tree() const { return ast::toText(file); }

  // "3:5 syntax: expected a condition after `when`", a line each.
  std::string errors() const {
    std::string text;
    for (const diag::Diagnostic& d : emitter.diagnostics()) {
      const auto at = d.span.position();
      text += fmt::format("{}:{} {}: {}\n", at.line, at.column, diag::info(d.id).name, d.message);
    }
    return text;
  }

  // The source with the first diagnostic's fix-its applied.
  std::string fixed() const {
    std::string text(source.text());
    if (emitter.diagnostics().empty())
      return text;
    auto fixits = emitter.diagnostics()[0].fixits;
    std::sort(fixits.begin(), fixits.end(), [](const auto& a, const auto& b) { return a.span.begin > b.span.begin; });
    for (const diag::FixIt& fix : fixits)
      text.replace(fix.span.begin, fix.span.end - fix.span.begin, fix.replacement);
    return text;
  }

  Sources sources;
  diag::Emitter emitter;
  const SourceFile& source;
  ast::File file;
};

// The one expression of `const x = …`; what is reported, if anything, stands behind it.
inline std::string expr(const std::string& text) {
  const Parsed parsed("const x = " + text + "\n");
  const std::string tree = parsed.file.constants.empty() ? "" : ast::toText(parsed.file.constants[0].value);
  return parsed.errors().empty() ? tree : tree + " ! " + parsed.errors();
}

// The only rule of a policy, and the errors.
inline std::string rule(const std::string& text) {
  const Parsed parsed("policy p {\n" + text + "\n}\n");
  std::string tree = parsed.tree();
  tree.erase(0, tree.find('\n') + 1); // policy p
  return tree + parsed.errors();
}

// So often that whatever recursed once a piece would overflow the stack. Sanitizers are slow, and their frames larger.
#ifdef __SANITIZE_ADDRESS__
inline constexpr size_t kEndless = 50'000;
#else
inline constexpr size_t kEndless = 1'000'000;
#endif

inline std::string repeat(std::string_view text, size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

} // namespace xdpc::parse::testing
