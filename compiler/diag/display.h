// User text made fit for a terminal, one column a character. Tested by tests/unit/diag/render_test.cpp.
#pragma once

#include <string>
#include <string_view>

namespace xdpc::diag {

// The text in one line: control characters and what is not UTF-8 become U+FFFD, tabs four blanks.
std::string printable(std::string_view text);

struct Excerpt {
  std::string text;   // at most `window` columns of the line, `…` where it is cut
  unsigned caret = 0; // column of the first caret in `text`, from 0
  unsigned width = 1; // carets, at least one
};
// `begin` and `length` are bytes of the line; what lies behind its end is not underlined.
Excerpt cut(std::string_view line, size_t begin, size_t length, unsigned window);

} // namespace xdpc::diag
