// Prints diagnostics in the classic layout. Entry point: render. The text that it shows comes from users: tabs are
// widened, bytes that are not printable UTF-8 become U+FFFD, and lines longer than the window are cut around the caret.
// Tested by tests/unit/diag/render_test.cpp.
#include "compiler/diag/diag.h"
#include "compiler/diag/display.h"
#include "compiler/diag/severity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace xdpc::diag {
namespace {

constexpr unsigned kNumberWidth = 5; // of line numbers; the bar, and the `=` of notes, stand one blank behind it
constexpr unsigned kWindow = 110;    // columns of source text that are shown

class Renderer {
public:
  explicit Renderer(bool color) : color_(color) {}

  void diagnostic(const Diagnostic& d) {
    head(d.span, d.severity, printable(d.message), info(d.id).name);
    excerpt(d.span, d.label);
    const std::string help = d.help.empty() ? helpFromFixIts(d) : d.help;
    if (!help.empty())
      attached("help", help);
    for (const Note& note : d.notes)
      this->note(note);
  }

  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }

  std::string take() { return std::move(out_); }

private:
  std::string severityWord(Severity severity) const {
    static constexpr const char* kColors[] = {"\x1b[1;31m", "\x1b[1;35m", "\x1b[1;36m"};
    const char* word = severityName(severity);
    return color_ ? fmt::format("{}{}\x1b[0m", kColors[static_cast<size_t>(severity)], word) : word;
  }

  void head(Span span, Severity severity, std::string_view message, const char* name) {
    if (span.file) {
      const auto at = span.position();
      out_ += fmt::format("{}:{}:{}: ", printable(span.file->name()), at.line, at.column);
    }
    out_ += fmt::format("{}: {}", severityWord(severity), message);
    out_ += name ? fmt::format(" [{}]\n", name) : "\n";
  }

  void excerpt(Span span, std::string_view label) {
    if (!span.file) {
      if (!label.empty())
        attached("note", label);
      return;
    }
    const auto at = span.position();
    const Excerpt shown =
        cut(span.file->line(at.line), at.column - 1, span.end > span.begin ? span.end - span.begin : 0, kWindow);
    const std::string end = label.empty() ? "" : " " + printable(label);
    out_ += shown.text.empty() ? fmt::format("{:>{}} |\n", at.line, kNumberWidth)
                               : fmt::format("{:>{}} | {}\n", at.line, kNumberWidth, shown.text);
    out_ += fmt::format("{:>{}} | {}^{}{}\n", "", kNumberWidth, std::string(shown.caret, ' '),
                        std::string(shown.width - 1, '~'), end);
  }

  void attached(const char* word, std::string_view text) {
    out_ += fmt::format("{:>{}} = {}: {}\n", "", kNumberWidth, word, printable(text));
  }

  void note(const Note& note) {
    if (!note.span.file)
      return attached("note", note.message);
    head(note.span, Severity::note, printable(note.message), nullptr);
    excerpt(note.span, "");
  }

  static std::string helpFromFixIts(const Diagnostic& d) {
    if (d.fixits.empty())
      return {};
    const FixIt& fix = d.fixits.front();
    if (fix.replacement.empty())
      return fmt::format("remove `{}`", fix.span.text());
    return fmt::format("{} `{}`", fix.span.begin == fix.span.end ? "insert" : "write", fix.replacement);
  }

  bool color_;
  std::string out_;
};

// By file, in the order in which files first have a diagnostic, and by place.
std::vector<const Diagnostic*> sorted(const std::vector<Diagnostic>& all) {
  std::map<const SourceFile*, size_t> rank;
  std::vector<const Diagnostic*> order;
  for (const Diagnostic& d : all) {
    rank.try_emplace(d.span.file, rank.size());
    order.push_back(&d);
  }
  std::stable_sort(order.begin(), order.end(), [&](const Diagnostic* a, const Diagnostic* b) {
    return std::pair(rank[a->span.file], a->span.begin) < std::pair(rank[b->span.file], b->span.begin);
  });
  return order;
}

} // namespace

std::string render(const Emitter& emitter, bool color, unsigned limit) {
  Renderer renderer(color);
  unsigned shown[2] = {}, hidden[2] = {}; // errors, the rest
  for (const Diagnostic* d : sorted(emitter.diagnostics())) {
    const size_t kind = d->severity == Severity::error ? 0 : 1;
    if (shown[kind] == limit) {
      ++hidden[kind];
      continue;
    }
    ++shown[kind];
    renderer.diagnostic(*d);
  }
  if (hidden[0])
    renderer.line(fmt::format("{} more error{} not shown", hidden[0], hidden[0] == 1 ? " is" : "s are"));
  if (hidden[1])
    renderer.line(fmt::format("{} more warning{} not shown", hidden[1], hidden[1] == 1 ? " is" : "s are"));
  return renderer.take();
}

} // namespace xdpc::diag
