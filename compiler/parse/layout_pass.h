// The state of the layout's one walk, shared by its two halves: lines and tokens are in layout.cpp, brackets in
// layout_brackets.cpp. Not for others: they use layout.h.
#pragma once

#include "compiler/parse/layout.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::parse {

inline bool isWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

enum class Bracket : uint8_t { block, declaration, literal, round };

struct Opening {
  Bracket kind;
  uint32_t offset;
  uint32_t indent; // of its line
};

// The token before the current place.
struct Token {
  uint32_t begin = 0, end = 0;
  bool word = false;
  bool member = false; // a word behind a `.`, which is a name whatever it spells
};

class LayoutPass {
public:
  LayoutPass(const SourceFile& source, diag::Emitter& emitter, const Limits& limits)
      : source_(source), emitter_(emitter), limits_(limits), text_(source.text()) {}

  std::optional<Layout> run();

private:
  void step();
  void newline();
  void joinOrEnd(uint32_t here, uint32_t next);
  void endStatement(uint32_t offset, uint32_t resume);
  void comment();
  void quote();
  void word();
  void symbol();
  void foreign();
  void openBracket();
  void closeBracket();
  void closeInnermost(uint32_t offset, uint32_t resume);
  bool dropUnclosed(char closing);
  void closeBefore(uint32_t word, uint32_t word_end);
  void misplaced(uint32_t word, uint32_t word_end);
  void finish();

  Bracket braceKind() const;
  bool inBlock() const { return stack_.empty() || stack_.back().kind == Bracket::block; }
  bool startsDeclaration(uint32_t begin, uint32_t end) const;
  bool continues(const Token& token) const;
  bool startsStatement(uint32_t at) const;
  uint32_t skipBlank(uint32_t at) const; // past blanks, comments and newlines
  uint32_t lineIndent() const { return at_line_start_ ? at_ - line_begin_ : line_indent_; }
  std::string_view wordAt(uint32_t at) const;
  std::string_view spelling(const Token& token) const { return text_.substr(token.begin, token.end - token.begin); }
  diag::Diagnostic& report(diag::Id id, uint32_t begin, uint32_t end, std::string message);
  void blank(uint32_t begin, uint32_t end) { std::fill(out_.text.begin() + begin, out_.text.begin() + end, ' '); }
  void advance(uint32_t end, bool is_word);

  const SourceFile& source_;
  diag::Emitter& emitter_;
  const Limits& limits_;
  std::string_view text_;
  Layout out_;
  std::vector<Opening> stack_;
  uint32_t at_ = 0;
  Token previous_;
  std::string_view first_word_; // of the statement
  bool started_ = false;        // the statement has a token
  bool at_line_start_ = true;
  uint32_t line_begin_ = 0;
  uint32_t line_indent_ = 0; // of the line's first token
  bool too_deep_ = false;
  bool foreign_reported_ = false;
};

} // namespace xdpc::parse
