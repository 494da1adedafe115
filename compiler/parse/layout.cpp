// See layout.h. One walk over the text, token by token, with a stack of open brackets (layout_brackets.cpp).
#include "compiler/parse/layout.h"

#include "compiler/parse/layout_pass.h"

#include <fmt/format.h>

#include <cstring>

namespace xdpc::parse {
namespace {

// Printable ASCII and white space: what may stand outside of text in quotes and of comments.
bool isPlain(char c) {
  return (c > ' ' && c < 0x7f) || c == ' ' || (c >= '\t' && c <= '\r');
}

} // namespace

diag::Diagnostic& LayoutPass::report(diag::Id id, uint32_t begin, uint32_t end, std::string message) {
  out_.damaged.push_back(begin);
  return emitter_.report(id, {&source_, begin, end}, std::move(message));
}

void LayoutPass::advance(uint32_t end, bool is_word) {
  line_indent_ = lineIndent();
  const bool member = is_word && at_ > 0 && text_[at_ - 1] == '.';
  previous_ = {at_, end, is_word, member};
  started_ = true;
  at_line_start_ = false;
  at_ = end;
}

std::string_view LayoutPass::wordAt(uint32_t at) const {
  uint32_t end = at;
  while (end < text_.size() && isWordByte(text_[end]))
    ++end;
  return text_.substr(at, end - at);
}

uint32_t LayoutPass::skipBlank(uint32_t at) const {
  for (; at < text_.size(); ++at) {
    if (text_[at] == '#')
      at = static_cast<uint32_t>(std::min(text_.find('\n', at), text_.size() - 1));
    else if (text_[at] != ' ' && !(text_[at] >= '\t' && text_[at] <= '\r'))
      break;
  }
  return at;
}

void LayoutPass::step() {
  const char c = text_[at_];
  if (c == '\n')
    newline();
  else if (c == ' ' || (c >= '\t' && c <= '\r'))
    out_.text[at_++] = ' ';
  else if (c == '#')
    comment();
  else if (c == '"')
    quote();
  else if (isWordByte(c))
    word();
  else if (c == '(' || c == '[' || c == '{')
    openBracket();
  else if (c == ')' || c == ']' || c == '}')
    closeBracket();
  else if (isPlain(c))
    symbol();
  else
    foreign();
}

void LayoutPass::comment() {
  const auto end = static_cast<uint32_t>(std::min(text_.find('\n', at_), text_.size()));
  blank(at_, end);
  at_ = end;
}

void LayoutPass::quote() {
  uint32_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\n')
    end += text_[end] == '\\' && end + 1 < text_.size() && text_[end + 1] != '\n' ? 2 : 1;
  if (end < text_.size() && text_[end] == '"')
    return advance(end + 1, false);
  end = std::min<uint32_t>(end, static_cast<uint32_t>(text_.size()));
  while (end > at_ + 1 && (text_[end - 1] == ' ' || text_[end - 1] == '\r'))
    --end;
  report(diag::Id::unterminated_text, at_, end, "text without its closing `\"`").label = "the line ends inside of it";
  // A brace at the line's end more likely opens the rule's block than that it belongs to the text.
  const uint32_t kept = end > at_ + 1 && text_[end - 1] == '{' ? end - 1 : end;
  blank(at_, kept);
  advance(kept, false);
}

void LayoutPass::word() {
  const std::string_view text = wordAt(at_);
  const auto end = static_cast<uint32_t>(at_ + text.size());
  if (at_line_start_ && !stack_.empty() && startsDeclaration(at_, end))
    closeBefore(at_, end);
  if (!started_)
    first_word_ = text;
  advance(end, true);
}

void LayoutPass::symbol() {
  if (text_[at_] == ';') {
    if (inBlock())
      return endStatement(at_, at_ + 1), void(++at_);
    if (stack_.back().kind == Bracket::declaration) // `;` between clauses is as good as a newline
      return void(out_.text[at_++] = ' ');
  }
  advance(at_ + 1, false);
}

void LayoutPass::foreign() {
  uint32_t end = at_;
  while (end < text_.size() && !isPlain(text_[end]))
    ++end;
  if (!foreign_reported_) {
    report(diag::Id::syntax, at_, end,
           fmt::format("`{}` stands outside of text and comments", text_.substr(at_, end - at_)))
        .label = "the language itself is written in ASCII";
    foreign_reported_ = true;
  } else {
    out_.damaged.push_back(at_);
  }
  blank(at_, end);
  advance(end, false);
}

bool LayoutPass::continues(const Token& token) const {
  const std::string_view text = spelling(token);
  if (token.word)
    return !token.member && (text == "and" || text == "or" || text == "not" || text == "in");
  return std::string_view("+-*&|^<>=,/").find(text.back()) != std::string_view::npos;
}

// `const a`, `ssh: `, `default`: what no line goes on with, even where the one before is unfinished. An address has no
// blank behind its colons.
bool LayoutPass::startsStatement(uint32_t at) const {
  const std::string_view word = wordAt(at);
  const auto end = static_cast<uint32_t>(at + word.size());
  if (word.empty())
    return false;
  if (stack_.empty())
    return startsDeclaration(at, end);
  const size_t colon = text_.find_first_not_of(' ', end);
  return word == "default" ||
         (colon + 1 < text_.size() && text_[colon] == ':' && (text_[colon + 1] == ' ' || text_[colon + 1] == '\n'));
}

// Decides once for all lines up to the next token, so that a million empty ones take a million steps.
void LayoutPass::newline() {
  const uint32_t here = at_, next = skipBlank(here);
  blank(here, next);
  at_ = next;
  at_line_start_ = true;
  line_begin_ = static_cast<uint32_t>(text_.rfind('\n', next - 1)) + 1;
  if (started_ && inBlock() && (!continues(previous_) || startsStatement(next)))
    joinOrEnd(here, next);
}

void LayoutPass::joinOrEnd(uint32_t here, uint32_t next) {
  const std::string_view word = wordAt(next);
  if (word == "and" || word == "or" || word == "over" || word == "within")
    return;
  const Token before = previous_;
  if (next < text_.size() && text_[next] == '{') {
    diag::Diagnostic& error =
        report(diag::Id::brace_on_next_line, next, next + 1, "`{` stands on the line after its statement");
    error.label = "the statement has ended before it";
    error.help = fmt::format("write ` {{` behind `{}`", spelling(before));
    if (text_.substr(before.end, next - before.end).find('#') == std::string_view::npos)
      error.fixits.push_back({{&source_, before.end, next + 1}, " {"});
    out_.damaged.pop_back(); // joined: the statement is fine otherwise
    return;
  }
  if (word == "else" && spelling(before) == "}") {
    diag::Diagnostic& error =
        report(diag::Id::brace_on_next_line, next, next + 4, "`else` stands on the line after the block");
    error.label = "the rule has ended before it";
    error.help = "write `} else {`";
    if (text_.substr(before.end, next - before.end).find('#') == std::string_view::npos)
      error.fixits.push_back({{&source_, before.end, next}, " "});
    out_.damaged.pop_back();
    return;
  }
  out_.text[here] = '\n';
  endStatement(here, here + 1);
}

void LayoutPass::endStatement(uint32_t offset, uint32_t resume) {
  if (started_)
    out_.boundaries.push_back({Boundary::Kind::End, offset, resume});
  started_ = false;
  first_word_ = {};
}

std::optional<Layout> LayoutPass::run() {
  out_.text.assign(text_);
  if (text_.starts_with("\xef\xbb\xbf")) { // a byte order mark
    blank(0, 3);
    at_ = 3;
  }
  while (at_ < text_.size() && !too_deep_ && emitter_.errorCount() < limits_.errors)
    step();
  if (too_deep_ || emitter_.errorCount() >= limits_.errors)
    return std::nullopt;
  finish();
  return std::move(out_);
}

std::optional<Layout> layOut(const SourceFile& source, diag::Emitter& emitter, const Limits& limits) {
  const std::string_view text = source.text();
  if (text.size() > limits.bytes) {
    emitter.report(
        diag::Id::too_large, {},
        fmt::format("`{}` has {} bytes, more than the bound of {}", source.name(), text.size(), limits.bytes));
    return std::nullopt;
  }
  if (std::memchr(text.data(), 0, text.size())) {
    emitter.report(diag::Id::not_text, {}, fmt::format("`{}` is not text", source.name()));
    return std::nullopt;
  }
  return LayoutPass(source, emitter, limits).run();
}

} // namespace xdpc::parse
