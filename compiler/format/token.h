// A policy's text as tokens, comments included, for the formatter. What has to stay glued is one token: `8000-8099`,
// `2001:db8::1`, `x"16 03"`. Tested by tests/unit/format.
#pragma once

#include "compiler/parse/layout.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace xdpc::format {

enum class TokenKind : uint8_t { word, literal, text, symbol, comment };

// What the layout found at a token.
enum class Mark : uint8_t { none, open_block, close_block, end_statement };

struct Token {
  TokenKind kind = TokenKind::symbol;
  std::string_view text;
  uint32_t begin = 0;
  unsigned newlines = 0; // between it and the token before it
  bool ended = false;    // a statement ended on a line before it
  Mark mark = Mark::none;

  bool is(std::string_view spelling) const { return text == spelling && kind != TokenKind::text; }
};

// `layout` belongs to the same text, which has no syntax errors.
std::vector<Token> tokenize(std::string_view text, const parse::Layout& layout);

} // namespace xdpc::format
