// Finds the names that a syntax error swallowed. Tested by tests/unit/sema/name_test.cpp.
#include "compiler/sema/follow_up.h"

#include <algorithm>
#include <cctype>

namespace xdpc::sema {

namespace {

bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// The declaration at the margin that the place belongs to, up to the end of the place's line.
std::string_view statementAround(std::string_view text, size_t at) {
  at = std::min(at, text.size());
  size_t begin = at;
  while (begin > 0 && !(text[begin - 1] == '\n' && begin < text.size() && isWord(text[begin])))
    --begin;
  return text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
}

using Words = std::set<std::string, std::less<>>;

// `const web = …`: the names of the first line; `ssh: pass when …`: the rules' names.
void addDeclared(std::string_view statement, Words& words) {
  const size_t first_line = statement.find('\n');
  const bool declares = !statement.starts_with("policy") && !statement.starts_with("test");
  for (size_t i = 0; i < statement.size();) {
    size_t end = i;
    while (end < statement.size() && isWord(statement[end]))
      ++end;
    const bool names_rule = end < statement.size() && statement[end] == ':';
    if (end > i && (names_rule || (declares && i < first_line)))
      words.emplace(statement.substr(i, end - i));
    i = std::max(end, i + 1);
  }
}

} // namespace

std::set<std::string, std::less<>> wordsLost(const ast::File& file, const diag::Emitter& emitter) {
  constexpr size_t enough = 20; // errors of a file that is no policy at all
  Words words;
  size_t seen = 0;
  for (const diag::Diagnostic& error : emitter.diagnostics())
    if (error.severity == diag::Severity::error && file.source && error.span.file == file.source && ++seen <= enough)
      addDeclared(statementAround(file.source->text(), error.span.begin), words);
  return words;
}

} // namespace xdpc::sema
