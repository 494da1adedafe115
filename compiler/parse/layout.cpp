// See layout.h. One walk over the text with a stack of open brackets; what a `{` means follows from the token before
// it.
#include "compiler/parse/layout.h"

#include "grammar/keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace xdpc::parse {
namespace {

bool isWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Printable ASCII and white space: what may stand outside of text in quotes and of comments.
bool isPlain(char c) {
  return (c > ' ' && c < 0x7f) || c == ' ' || (c >= '\t' && c <= '\r');
}

enum class Bracket : uint8_t { block, declaration, literal, round };

struct Opening {
  Bracket kind;
  uint32_t offset;
};

// The token before the current place.
struct Token {
  uint32_t begin = 0, end = 0;
  bool word = false;
  bool member = false; // a word behind a `.`, which is a name whatever it spells
};

class Pass {
public:
  Pass(const SourceFile& source, diag::Emitter& emitter, const Limits& limits)
      : source_(source), emitter_(emitter), limits_(limits), text_(source.text()) {}

  std::optional<Layout> run();

private:
  void step();
  void newline();
  void joinOrEnd(uint32_t next);
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
  uint32_t indent(uint32_t offset) const;
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
  bool too_deep_ = false;
  bool foreign_reported_ = false;
};

diag::Diagnostic& Pass::report(diag::Id id, uint32_t begin, uint32_t end, std::string message) {
  out_.damaged.push_back(begin);
  return emitter_.report(id, {&source_, begin, end}, std::move(message));
}

void Pass::advance(uint32_t end, bool is_word) {
  const bool member = is_word && at_ > 0 && text_[at_ - 1] == '.';
  previous_ = {at_, end, is_word, member};
  started_ = true;
  at_line_start_ = false;
  at_ = end;
}

std::string_view Pass::wordAt(uint32_t at) const {
  uint32_t end = at;
  while (end < text_.size() && isWordByte(text_[end]))
    ++end;
  return text_.substr(at, end - at);
}

uint32_t Pass::skipBlank(uint32_t at) const {
  for (; at < text_.size(); ++at) {
    if (text_[at] == '#')
      at = static_cast<uint32_t>(std::min(text_.find('\n', at), text_.size() - 1));
    else if (text_[at] != ' ' && !(text_[at] >= '\t' && text_[at] <= '\r'))
      break;
  }
  return at;
}

uint32_t Pass::indent(uint32_t offset) const {
  const size_t newline = offset ? text_.rfind('\n', offset - 1) : std::string_view::npos;
  const auto line = static_cast<uint32_t>(newline == std::string_view::npos ? 0 : newline + 1);
  uint32_t at = line;
  while (at < offset && (text_[at] == ' ' || text_[at] == '\t'))
    ++at;
  return at - line;
}

void Pass::step() {
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

void Pass::comment() {
  const auto end = static_cast<uint32_t>(std::min(text_.find('\n', at_), text_.size()));
  blank(at_, end);
  at_ = end;
}

void Pass::quote() {
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

void Pass::word() {
  const std::string_view text = wordAt(at_);
  const auto end = static_cast<uint32_t>(at_ + text.size());
  if (at_line_start_ && !stack_.empty() && startsDeclaration(at_, end))
    closeBefore(at_, end);
  if (!started_)
    first_word_ = text;
  advance(end, true);
}

// `set banned`, `test "…`: what no block, literal or declaration contains.
bool Pass::startsDeclaration(uint32_t begin, uint32_t end) const {
  if (!grammar::isDeclaration(text_.substr(begin, end - begin)))
    return false;
  uint32_t next = end;
  while (next < text_.size() && text_[next] == ' ')
    ++next;
  return next > end && next < text_.size() && (text_[next] == '"' || (isWordByte(text_[next]) && wordAt(next) != "in"));
}

// A declaration at the start of a line that is not indented deeper than the line of an open bracket: that bracket's
// partner is missing.
void Pass::closeBefore(uint32_t word, uint32_t word_end) {
  const uint32_t depth = indent(word);
  if (indent(stack_.back().offset) < depth)
    return misplaced(word, word_end);
  const Opening opening = stack_.back();
  diag::Diagnostic& error = report(diag::Id::unclosed_bracket, opening.offset, opening.offset + 1,
                                   fmt::format("`{}` is never closed", text_[opening.offset]));
  error.notes.push_back(
      {{&source_, word, word_end}, fmt::format("`{}` starts a declaration here", text_.substr(word, word_end - word))});
  while (!stack_.empty() && indent(stack_.back().offset) >= depth)
    closeInnermost(word, word);
  endStatement(word, word);
}

void Pass::misplaced(uint32_t word, uint32_t word_end) {
  if (!inBlock() || started_)
    return;
  report(diag::Id::misplaced_declaration, word, word_end,
         fmt::format("`{}` stands inside of a block", text_.substr(word, word_end - word)))
      .label = "declarations stand at the top level of a file";
}

void Pass::symbol() {
  if (text_[at_] == ';') {
    if (inBlock())
      return endStatement(at_, at_ + 1), void(++at_);
    if (stack_.back().kind == Bracket::declaration) // `;` between clauses is as good as a newline
      return void(out_.text[at_++] = ' ');
  }
  advance(at_ + 1, false);
}

void Pass::foreign() {
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

bool Pass::continues(const Token& token) const {
  const std::string_view text = spelling(token);
  if (token.word)
    return !token.member && (text == "and" || text == "or" || text == "not" || text == "in");
  return std::string_view("+-*&|^<>=,/").find(text.back()) != std::string_view::npos;
}

// `const a`, `ssh: `, `default`: what no line goes on with, even where the one before is unfinished. An address has no
// blank behind its colons.
bool Pass::startsStatement(uint32_t at) const {
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

void Pass::newline() {
  at_line_start_ = true;
  const uint32_t here = at_++;
  out_.text[here] = ' ';
  if (!started_ || !inBlock() || (continues(previous_) && !startsStatement(skipBlank(here))))
    return;
  joinOrEnd(here);
}

void Pass::joinOrEnd(uint32_t here) {
  const uint32_t next = skipBlank(here);
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

void Pass::endStatement(uint32_t offset, uint32_t resume) {
  if (started_)
    out_.boundaries.push_back({Boundary::Kind::End, offset, resume});
  started_ = false;
  first_word_ = {};
}

Bracket Pass::braceKind() const {
  if (!inBlock())
    return Bracket::literal;
  const std::string_view before = started_ ? spelling(previous_) : std::string_view();
  if (before == "=" || before == "," || before == "(" || before == ">")
    return Bracket::literal;
  if (previous_.word && !previous_.member && (before == "in" || before == "any" || before == "contains"))
    return Bracket::literal;
  constexpr std::string_view declaring[] = {"set",    "map",    "meter",     "counter", "event",
                                            "header", "tunnel", "extension", "extend"};
  const bool declares = std::find(std::begin(declaring), std::end(declaring), first_word_) != std::end(declaring);
  return declares && started_ ? Bracket::declaration : Bracket::block;
}

void Pass::openBracket() {
  if (stack_.size() >= limits_.depth) {
    report(diag::Id::too_deep, at_, at_ + 1, fmt::format("brackets nest deeper than the bound of {}", limits_.depth))
        .label = fmt::format("this one is number {}", stack_.size() + 1);
    too_deep_ = true;
    return;
  }
  const Bracket kind = text_[at_] == '{' ? braceKind() : Bracket::round;
  stack_.push_back({kind, at_});
  if (kind == Bracket::block)
    out_.boundaries.push_back({Boundary::Kind::Open, at_, at_ + 1});
  advance(at_ + 1, false);
  if (kind == Bracket::block) {
    started_ = false;
    first_word_ = {};
  }
}

void Pass::closeInnermost(uint32_t offset, uint32_t resume) {
  const Opening opening = stack_.back();
  stack_.pop_back();
  if (opening.kind == Bracket::block)
    out_.boundaries.push_back({Boundary::Kind::Close, offset, resume});
  if (opening.kind == Bracket::block || resume == offset) {
    started_ = true; // the statement that the block belongs to
    first_word_ = {};
  }
}

// `( … }`: gives up the openings that cannot match. False if nothing at all matches.
bool Pass::dropUnclosed(char closing) {
  const auto matches = [&](const Opening& opening) {
    const char c = text_[opening.offset];
    return (c == '(' && closing == ')') || (c == '[' && closing == ']') || (c == '{' && closing == '}');
  };
  size_t depth = stack_.size();
  while (depth > 0 && !matches(stack_[depth - 1])) {
    if (text_[stack_[depth - 1].offset] == '{') // a `)` closes nothing beyond a brace
      return false;
    --depth;
  }
  if (depth == 0)
    return false;
  if (depth < stack_.size()) {
    const uint32_t offset = stack_.back().offset;
    report(diag::Id::unclosed_bracket, offset, offset + 1, fmt::format("`{}` is never closed", text_[offset]))
        .notes.push_back({{&source_, at_, at_ + 1}, fmt::format("`{}` comes first", closing)});
    stack_.resize(depth);
  }
  return true;
}

void Pass::closeBracket() {
  const char closing = text_[at_];
  if (!dropUnclosed(closing)) {
    report(diag::Id::stray_bracket, at_, at_ + 1, fmt::format("`{}` closes nothing", closing));
    blank(at_, at_ + 1);
    return void(++at_);
  }
  const uint32_t here = at_;
  advance(at_ + 1, false);
  closeInnermost(here, here + 1);
}

void Pass::finish() {
  const auto end = static_cast<uint32_t>(text_.size());
  if (!stack_.empty()) {
    const uint32_t offset = stack_.back().offset;
    report(diag::Id::unclosed_bracket, offset, offset + 1, fmt::format("`{}` is never closed", text_[offset])).label =
        "the file ends inside of it";
  }
  while (!stack_.empty())
    closeInnermost(end, end);
  endStatement(end, end);
  out_.boundaries.push_back({Boundary::Kind::Close, end, end});
  std::sort(out_.damaged.begin(), out_.damaged.end());
}

std::optional<Layout> Pass::run() {
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

} // namespace

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
  return Pass(source, emitter, limits).run();
}

} // namespace xdpc::parse
