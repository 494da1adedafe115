// Brackets in the layout: what a `{` opens follows from the token before it, and a partner that is missing is found as
// early as possible. See layout.h.
#include "compiler/parse/layout_pass.h"

#include "grammar/keywords.h"

#include <fmt/format.h>

namespace xdpc::parse {

// `set banned`, `test "…`: what no block, literal or declaration contains.
bool LayoutPass::startsDeclaration(uint32_t begin, uint32_t end) const {
  if (!grammar::isDeclaration(text_.substr(begin, end - begin)))
    return false;
  uint32_t next = end;
  while (next < text_.size() && text_[next] == ' ')
    ++next;
  return next > end && next < text_.size() && (text_[next] == '"' || (isWordByte(text_[next]) && wordAt(next) != "in"));
}

// A declaration at the start of a line that is not indented deeper than the line of an open bracket: that bracket's
// partner is missing.
void LayoutPass::closeBefore(uint32_t word, uint32_t word_end) {
  const uint32_t depth = lineIndent();
  if (stack_.back().indent < depth)
    return misplaced(word, word_end);
  const Opening opening = stack_.back();
  diag::Diagnostic& error = report(diag::Id::unclosed_bracket, opening.offset, opening.offset + 1,
                                   fmt::format("`{}` is never closed", text_[opening.offset]));
  error.notes.push_back(
      {{&source_, word, word_end}, fmt::format("`{}` starts a declaration here", text_.substr(word, word_end - word))});
  while (!stack_.empty() && stack_.back().indent >= depth)
    closeInnermost(word, word);
  endStatement(word, word);
}

void LayoutPass::misplaced(uint32_t word, uint32_t word_end) {
  if (!inBlock() || started_)
    return;
  report(diag::Id::misplaced_declaration, word, word_end,
         fmt::format("`{}` stands inside of a block", text_.substr(word, word_end - word)))
      .label = "declarations stand at the top level of a file";
}

Bracket LayoutPass::braceKind() const {
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

void LayoutPass::openBracket() {
  if (stack_.size() >= limits_.depth) {
    report(diag::Id::too_deep, at_, at_ + 1, fmt::format("brackets nest deeper than the bound of {}", limits_.depth))
        .label = fmt::format("this one is number {}", stack_.size() + 1);
    too_deep_ = true;
    return;
  }
  const Bracket kind = text_[at_] == '{' ? braceKind() : Bracket::round;
  stack_.push_back({kind, at_, lineIndent()});
  if (kind == Bracket::block)
    out_.boundaries.push_back({Boundary::Kind::Open, at_, at_ + 1});
  advance(at_ + 1, false);
  if (kind == Bracket::block) {
    started_ = false;
    first_word_ = {};
  }
}

void LayoutPass::closeInnermost(uint32_t offset, uint32_t resume) {
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
bool LayoutPass::dropUnclosed(char closing) {
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

void LayoutPass::closeBracket() {
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

void LayoutPass::finish() {
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

} // namespace xdpc::parse
