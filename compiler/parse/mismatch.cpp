// See mismatch.h.
#include "compiler/parse/mismatch.h"

#include "compiler/parse/layout_pass.h"

#include "grammar/keywords.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpc::parse {
namespace {

// A symbol of two characters counts as one.
bool isPair(std::string_view text) {
  constexpr std::string_view pairs[] = {"==", "!=", "<=", ">=", "<<", ">>", "=>", "->", "&&", "||"};
  return std::find(std::begin(pairs), std::end(pairs), text) != std::end(pairs);
}

// "`a`, `b` or `c`"
std::string enumerate(const std::vector<std::string_view>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  return text;
}

constexpr std::string_view kEnd = "the end of the statement";

std::string found(const Failure& failure, Span token) {
  if (token.begin < failure.statement.end)
    return fmt::format("`{}`", token.text());
  return failure.statement.block ? "`{`" : std::string(kEnd);
}

// The end of the statement is named last.
std::vector<std::string_view> inOrder(std::vector<std::string_view> expected) {
  std::stable_partition(expected.begin(), expected.end(), [](std::string_view what) { return what != kEnd; });
  return expected;
}

} // namespace

bool expects(const Failure& failure, std::string_view what) {
  const auto& expected = failure.mismatch.expected;
  return std::find(expected.begin(), expected.end(), what) != expected.end();
}

Span tokenAt(const Failure& failure, uint32_t offset) {
  const uint32_t end = failure.statement.end;
  while (offset < end && failure.text[offset] == ' ')
    ++offset;
  uint32_t last = std::min(offset, end);
  if (last < end && isWordByte(failure.text[last])) {
    while (last < end && isWordByte(failure.text[last]))
      ++last;
  } else if (last < end && failure.text[last] == '"') {
    last = static_cast<uint32_t>(std::min<size_t>(failure.text.find('"', last + 1), end - 1)) + 1;
  } else if (last < end) {
    last += last + 1 < end && isPair(failure.text.substr(last, 2)) ? 2 : 1;
  }
  return failure.input.span(std::min(offset, end), last);
}

Span tokenBefore(const Failure& failure, uint32_t offset) {
  const uint32_t begin = failure.statement.begin;
  uint32_t end = std::min(offset, failure.statement.end);
  while (end > begin && failure.text[end - 1] == ' ')
    --end;
  uint32_t first = end;
  if (first > begin && isWordByte(failure.text[first - 1])) {
    while (first > begin && isWordByte(failure.text[first - 1]))
      --first;
  } else if (first > begin && failure.text[first - 1] == '"') {
    const size_t quote = first >= 2 ? failure.text.rfind('"', first - 2) : std::string_view::npos;
    first = quote == std::string_view::npos ? first - 1 : std::max(begin, static_cast<uint32_t>(quote));
  } else if (first > begin) {
    first -= first >= begin + 2 && isPair(failure.text.substr(first - 2, 2)) ? 2 : 1;
  }
  return failure.input.span(first, end);
}

void reportMismatch(const Failure& failure) {
  if (reportSlip(failure))
    return;
  const Span before = tokenBefore(failure, failure.mismatch.offset);
  Span token = tokenAt(failure, failure.mismatch.offset);
  const bool at_end = token.begin >= failure.statement.end;
  const std::string what = found(failure, token);
  if (at_end) // right behind the last token, or at the `{`
    token = failure.statement.block ? failure.input.span(failure.statement.limit, failure.statement.limit + 1)
                                    : failure.input.span(failure.statement.end, failure.statement.end);
  const std::string after = before.begin == before.end ? "" : fmt::format(" after `{}`", before.text());
  const std::string expected = enumerate(inOrder(failure.mismatch.expected));
  if (expects(failure, kEnd) && !at_end) {
    failure.input.report(diag::Id::syntax, token, fmt::format("unexpected {}{}", what, after)).label =
        fmt::format("expected {}", expected);
    return;
  }
  failure.input.report(diag::Id::syntax, token, fmt::format("expected {}{}", expected, after)).label =
      at_end && !failure.statement.block ? "the statement ends here" : fmt::format("found {}", what);
}

} // namespace xdpc::parse
