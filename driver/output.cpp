// See output.h. Tested by tests/lit/cli.
#include "driver/output.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace xdpc::driver {

namespace {

enum class Kind { error, warning, note };

void say(Kind kind, std::string_view message) {
  static constexpr struct {
    const char *word, *color;
  } kinds[] = {{"error", "\x1b[1;31m"}, {"warning", "\x1b[1;35m"}, {"note", "\x1b[1;36m"}};
  const auto& [word, color] = kinds[static_cast<int>(kind)];
  const bool colored = colorOnStderr();
  fmt::print(stderr, "xdpc: {}{}:{} {}\n", colored ? color : "", word, colored ? "\x1b[0m" : "", message);
}

bool isNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

int fail(Exit code, std::string_view message) {
  say(Kind::error, message);
  return code;
}

void warn(std::string_view message) {
  say(Kind::warning, message);
}
void note(std::string_view message) {
  say(Kind::note, message);
}

bool colorOnStderr() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if ((no_color && *no_color) || (term && std::string_view(term) == "dumb"))
    return false;
  return isatty(STDERR_FILENO) != 0;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string Table::text() const {
  std::vector<size_t> widths(titles_.size());
  std::vector<bool> right(titles_.size(), !rows_.empty());
  for (size_t i = 0; i < titles_.size(); ++i) {
    widths[i] = titles_[i].size();
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], row[i].size());
      right[i] = right[i] && isNumber(row[i]);
    }
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (size_t i = 0; i < row.size(); ++i)
      text += right[i] ? fmt::format("{:>{}}  ", row[i], widths[i]) : fmt::format("{:<{}}  ", row[i], widths[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(titles_);
  for (const auto& row : rows_)
    line(row);
  return out;
}

} // namespace xdpc::driver
