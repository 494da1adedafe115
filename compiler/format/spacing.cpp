// See spacing.h.
#include "compiler/format/spacing.h"

#include <algorithm>

namespace xdpc::format {
namespace {

template <size_t N> bool isOneOf(std::string_view text, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

// Behind these words a parenthesis opens a group or a tuple; behind others it belongs to the name.
constexpr std::string_view kBeforeGroup[] = {
    "and",  "or",  "not", "in",    "contains", "any",  "when",   "over",    "within",  "of",     "per",  "add",
    "to",   "for", "has", "lacks", "remove",   "from", "starts", "with",    "size",    "length", "rate", "burst",
    "wait", "cpu", "by",  "cpus",  "capacity", "else", "tx",     "timeout", "default", "pass",   "drop", "abort",
};
constexpr std::string_view kClauses[] = {"rate", "per", "capacity", "timeout", "clock", "count"};
constexpr std::string_view kHeaderClauses[] = {"size", "length", "payload"};

bool isMember(std::span<const Token> tokens, size_t at) {
  return at > 0 && tokens[at - 1].is(".");
}

bool opensGroup(std::span<const Token> tokens, size_t at) {
  const Token& before = tokens[at - 1];
  if (before.kind == TokenKind::word)
    return isOneOf(before.text, kBeforeGroup) && !isMember(tokens, at - 1);
  return true;
}

bool startsHeaderPart(std::span<const Token> tokens, size_t at) {
  if (tokens[at].kind != TokenKind::word || at + 1 >= tokens.size())
    return false;
  const Token& next = tokens[at + 1];
  if (tokens[at].is("option") && next.kind == TokenKind::literal)
    return true;
  if (at > 1 && tokens[at - 2].is("option") && tokens[at - 1].kind == TokenKind::literal)
    return false; // `option 2 mss: u16` is one
  return next.is(":") || next.is("=") || isOneOf(tokens[at].text, kHeaderClauses);
}

bool startsClause(std::span<const Token> tokens, size_t at) {
  if (tokens[at].kind != TokenKind::word || isMember(tokens, at))
    return false;
  if (tokens[at].is("when"))
    return at + 1 < tokens.size() && tokens[at + 1].is("full");
  return isOneOf(tokens[at].text, kClauses);
}

bool isClauseBoundary(std::span<const Token> tokens, size_t at, const Place& place) {
  if (place.bracket != '{' || tokens[at - 1].is("{") || tokens[at - 1].is(","))
    return false;
  if (place.first_word == "set" || place.first_word == "meter" || place.first_word == "counter")
    return startsClause(tokens, at);
  const bool header = place.first_word == "header" || place.first_word == "tunnel" || place.first_word == "extension" ||
                      place.first_word == "extend";
  return header && startsHeaderPart(tokens, at);
}

} // namespace

bool isSign(std::span<const Token> tokens, size_t at) {
  if (!tokens[at].is("-") || at == 0)
    return tokens[at].is("-");
  const Token& before = tokens[at - 1];
  if (before.kind == TokenKind::symbol)
    return !before.is(")") && !before.is("]") && !before.is("}");
  return before.kind == TokenKind::word && isOneOf(before.text, kBeforeGroup) && !isMember(tokens, at - 1);
}

unsigned blanksBefore(std::span<const Token> tokens, size_t at, const Place& place) {
  const Token &token = tokens[at], &before = tokens[at - 1];
  if (token.is(",") || token.is(")") || token.is("]") || token.is(":") || token.is("[") || token.is(".") ||
      token.is("/"))
    return 0;
  if (before.is("(") || before.is("[") || before.is(".") || before.is("/") || place.unary_minus_before)
    return 0;
  if (before.is(":"))
    return place.bracket == '[' ? 0 : 1;
  if (token.is("("))
    return opensGroup(tokens, at) ? 1 : 0;
  if (before.is("{") && token.is("}"))
    return 0;
  return isClauseBoundary(tokens, at, place) ? 2 : 1;
}

} // namespace xdpc::format
