// See token.h.
#include "compiler/format/token.h"

#include <algorithm>
#include <cctype>

namespace xdpc::format {
namespace {

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

bool isWordByte(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool isBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kLongSymbols[] = {"=>", "->", "==", "!=", "<=", ">=", "<<", ">>"};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text_(text), at_(text.starts_with(kByteOrderMark) ? 3 : 0) {}

  std::vector<Token> run() {
    for (unsigned newlines = skipBlank(); at_ < text_.size(); newlines = skipBlank()) {
      Token token = next();
      token.newlines = newlines;
      tokens_.push_back(token);
    }
    return std::move(tokens_);
  }

private:
  unsigned skipBlank() {
    unsigned newlines = 0;
    for (; at_ < text_.size() && isBlank(text_[at_]); ++at_)
      newlines += text_[at_] == '\n';
    return newlines;
  }

  char peek(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  Token next() {
    const size_t begin = at_;
    const TokenKind kind = skip();
    return {kind, text_.substr(begin, at_ - begin), static_cast<uint32_t>(begin)};
  }

  TokenKind skip() {
    const char c = text_[at_];
    if (c == '#')
      return comment();
    if (c == '"' || (c == 'x' && peek(at_ + 1) == '"' && !(at_ > 0 && isWordByte(text_[at_ - 1]))))
      return quote();
    if (const size_t end = literalEnd(at_))
      return range(end);
    if (isWordByte(c)) {
      while (isWordByte(peek(at_)))
        ++at_;
      return TokenKind::word;
    }
    const std::string_view two = text_.substr(at_, 2);
    at_ += std::find(std::begin(kLongSymbols), std::end(kLongSymbols), two) != std::end(kLongSymbols) ? 2 : 1;
    return TokenKind::symbol;
  }

  TokenKind comment() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    size_t end = at_;
    while (isBlank(text_[end - 1]))
      --end;
    at_ = end;
    return TokenKind::comment;
  }

  TokenKind quote() {
    at_ = text_.find('"', at_) + 1;
    while (at_ < text_.size() && text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return TokenKind::text;
  }

  // The end of a number or an address that starts at `at`; 0 if none does.
  size_t literalEnd(size_t at) const {
    size_t end = at;
    unsigned colons = 0;
    for (; std::isxdigit(static_cast<unsigned char>(peek(end))) || peek(end) == ':' || peek(end) == '.'; ++end)
      colons += text_[end] == ':';
    if (colons >= 2 && !isWordByte(peek(end)))
      return end;
    if (!isDigit(peek(at)))
      return 0;
    end = at;
    while (isWordByte(peek(end)) || (peek(end) == '.' && isDigit(peek(end + 1))))
      ++end;
    return end;
  }

  // Behind a literal at the place: a `-` that another one follows without a blank makes a range.
  TokenKind range(size_t end) {
    at_ = end;
    if (peek(at_) == '-')
      if (const size_t high = literalEnd(at_ + 1))
        at_ = high;
    return TokenKind::literal;
  }

  std::string_view text_;
  size_t at_;
  std::vector<Token> tokens_;
};

Mark markOf(parse::Boundary::Kind kind) {
  switch (kind) {
  case parse::Boundary::Kind::Open:
    return Mark::open_block;
  case parse::Boundary::Kind::Close:
    return Mark::close_block;
  case parse::Boundary::Kind::End:
    break;
  }
  return Mark::end_statement;
}

} // namespace

std::vector<Token> tokenize(std::string_view text, const parse::Layout& layout) {
  std::vector<Token> tokens = Lexer(text).run();
  auto boundary = layout.boundaries.begin();
  for (Token& token : tokens) {
    for (; boundary != layout.boundaries.end() && boundary->offset < token.begin; ++boundary)
      token.ended = token.ended || boundary->kind == parse::Boundary::Kind::End;
    if (boundary != layout.boundaries.end() && boundary->offset == token.begin && token.kind == TokenKind::symbol)
      token.mark = markOf((boundary++)->kind);
  }
  return tokens;
}

} // namespace xdpc::format
