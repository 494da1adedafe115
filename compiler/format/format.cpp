// See format.h. One walk over the tokens makes lines (this file), which are then aligned (align.cpp).
#include "compiler/format/format.h"

#include "compiler/format/lines.h"
#include "compiler/format/spacing.h"

#include <fmt/format.h>

namespace xdpc::format {
namespace {

constexpr unsigned kIndent = 4;

struct Opening {
  char bracket = 0;
  unsigned indent = 0; // of its line
};

struct Block {
  unsigned number = 0;
  bool on_one_line = false;
  unsigned indent = 0; // of its statements
};

class Writer {
public:
  explicit Writer(std::span<const Token> tokens) : tokens_(tokens) { blocks_.push_back({}); }

  std::vector<Line> run() {
    for (at_ = 0; at_ < tokens_.size(); ++at_)
      token();
    return std::move(lines_);
  }

private:
  const Token& here() const { return tokens_[at_]; }
  bool isComment() const { return here().kind == TokenKind::comment; }
  bool inStatement() const { return started_ && !ended_; }

  void token() {
    newlines_ += here().newlines;
    ended_ = ended_ || (here().ended && started_);
    if (here().mark == Mark::end_statement)
      return void(ended_ = started_);
    if (inDeclaration() && here().is(";"))
      return; // as good as the blank that is written
    if (isComment())
      comment();
    else if (here().mark == Mark::close_block)
      closeBlock();
    else
      word();
    newlines_ = 0;
    last_ = at_;
  }

  bool inDeclaration() const { return !openings_.empty() && openings_.back().bracket == '{'; }

  void comment() {
    if (newlines_ == 0 && !lines_.empty() && lines_.back().comment.empty()) {
      lines_.back().comment = here().text;
    } else {
      startLine(inStatement() ? continuationIndent() : blocks_.back().indent);
      lines_.back().comment = here().text;
    }
    broken_ = true;
  }

  void closeBlock() {
    const Block block = blocks_.back();
    blocks_.pop_back();
    const bool empty = last_ && tokens_[*last_].mark == Mark::open_block;
    if (block.on_one_line)
      lines_.back().text += empty ? "}" : " }";
    else {
      startLine(blocks_.back().indent);
      lines_.back().text = "}";
    }
    // `else` goes on with the statement that the block belongs to.
    started_ = true;
    ended_ = false;
    openings_.clear();
  }

  void word() {
    if (!inStatement())
      startStatement();
    else if (newlines_ > 0 || broken_)
      continueBelow();
    else
      lines_.back().text.append(blanksBefore(tokens_, at_, place()), ' ');
    append();
  }

  void startStatement() {
    const bool first = !started_;
    openings_.clear();
    sign_before_ = false;
    first_word_ = here().text;
    if (blocks_.back().on_one_line) {
      lines_.back().text += first ? " " : "; ";
    } else {
      startLine(blocks_.back().indent);
      alignName();
    }
    started_ = true;
    ended_ = false;
    aligned_ = false;
  }

  void alignName() {
    if (blocks_.size() == 1 || at_ + 1 >= tokens_.size() || !tokens_[at_ + 1].is(":"))
      return;
    lines_.back().align = Align::rule_name;
    lines_.back().column = here().text.size() + 1;
  }

  void continueBelow() {
    lines_.back().continued = true;
    startLine(continuationIndent());
  }

  unsigned continuationIndent() const {
    if (openings_.empty())
      return blocks_.back().indent + kIndent;
    const bool closes = here().is(")") || here().is("]") || here().is("}");
    return openings_.back().indent + (closes ? 0 : kIndent);
  }

  void startLine(unsigned indent) {
    const bool after_opening = last_ && (tokens_[*last_].mark == Mark::open_block || opened_by_last_);
    const bool closes = here().is("}") || here().is(")") || here().is("]");
    const bool apart = newlines_ > 1 && !lines_.empty() && !after_opening && !closes;
    lines_.push_back({.indent = indent, .blank_before = apart, .block = blocks_.back().number});
    broken_ = false;
  }

  Place place() const { return {first_word_, inDeclarationOrBracket(), sign_before_}; }
  char inDeclarationOrBracket() const { return openings_.empty() ? '\0' : openings_.back().bracket; }

  void append() {
    markColumn();
    lines_.back().text += here().text;
    sign_before_ = isSign(tokens_, at_);
    opened_by_last_ = false;
    if (here().mark == Mark::open_block)
      return openBlock();
    if (here().is("(") || here().is("[") || here().is("{")) {
      openings_.push_back({here().text[0], lines_.back().indent});
      opened_by_last_ = true;
    } else if ((here().is(")") || here().is("]") || here().is("}")) && !openings_.empty()) {
      openings_.pop_back();
    }
  }

  // `for` of an expectation, `=` of a constant, `{` of a set: the first one outside of brackets.
  void markColumn() {
    if (aligned_ || !openings_.empty() || lines_.back().align != Align::none)
      return;
    Align align = Align::none;
    if (first_word_ == "expect" && here().is("for"))
      align = Align::expectation;
    else if (first_word_ == "const" && here().is("="))
      align = Align::constant;
    else if (first_word_ == "set" && here().is("{") && !tokens_[at_ - 1].is("="))
      align = Align::set;
    if (align == Align::none || lines_.back().indent != blocks_.back().indent)
      return;
    lines_.back().align = align;
    lines_.back().column = lines_.back().text.size();
    aligned_ = true;
  }

  void openBlock() {
    unsigned depth = 0;
    bool one_line = true;
    for (size_t i = at_ + 1; i < tokens_.size() && one_line; ++i) {
      one_line = tokens_[i].newlines == 0;
      if (tokens_[i].mark == Mark::close_block && depth-- == 0)
        break;
      depth += tokens_[i].mark == Mark::open_block;
    }
    blocks_.push_back({++block_count_, one_line, blocks_.back().indent + kIndent});
    started_ = ended_ = false;
  }

  std::span<const Token> tokens_;
  size_t at_ = 0;
  std::optional<size_t> last_; // the token before, `;` left out
  unsigned newlines_ = 0;      // since then
  std::vector<Line> lines_;
  std::vector<Block> blocks_;     // the file itself, then blocks
  std::vector<Opening> openings_; // brackets of the statement
  std::string_view first_word_;
  unsigned block_count_ = 0;
  bool started_ = false, ended_ = false; // the statement
  bool broken_ = false;                  // nothing goes on behind a comment
  bool opened_by_last_ = false;
  bool sign_before_ = false;
  bool aligned_ = false;
};

std::string toText(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) {
    if (line.blank_before)
      text += '\n';
    text.append(line.indent, ' ');
    text += line.text;
    if (!line.comment.empty())
      text += (line.text.empty() ? "" : "  ") + line.comment;
    text += '\n';
  }
  return text;
}

} // namespace

std::optional<std::string> format(const SourceFile& source, diag::Emitter& emitter, const parse::Limits& limits) {
  parse::parse(source, emitter, limits);
  if (emitter.hasErrors())
    return {};
  const std::optional<parse::Layout> layout = parse::layOut(source, emitter, limits);
  if (!layout)
    return {};
  const std::vector<Token> tokens = tokenize(source.text(), *layout);
  std::vector<Line> lines = Writer(tokens).run();
  alignLines(lines);
  return toText(lines);
}

} // namespace xdpc::format
