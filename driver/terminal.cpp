// ANSI sequences (ECMA-48; the alternate screen is xterm's) by hand: a few suffice. Tested by tests/live/watch.py.
#include "driver/terminal.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace xdpc::driver {

namespace {

constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l"; // the alternate screen, without a cursor
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";

bool isDumb() {
  const char* term = std::getenv("TERM");
  return !term || !*term || std::string_view(term) == "dumb";
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

} // namespace

bool isScreen() {
  return ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO) && !isDumb();
}

bool colorOnStdout() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) && !isDumb() && !(no_color && *no_color);
}

Screen::Screen() {
  ::tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO); // Ctrl-C stays a signal
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  struct sigaction action{};
  action.sa_handler = [](int) {}; // it has to end poll(2), no more
  ::sigaction(SIGWINCH, &action, nullptr);
  put(kEnter);
}

Screen::~Screen() {
  put(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

ScreenSize Screen::size() const {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
    return {};
  return {window.ws_row, window.ws_col};
}

void Screen::paint(std::string_view lines) const {
  std::string text = "\x1b[H";
  for (const char c : lines)
    if (c == '\n')
      text += "\x1b[K\n"; // what was longer before goes
    else
      text += c;
  put(text + "\x1b[J");
}

std::optional<char> Screen::key(std::chrono::steady_clock::time_point end) const {
  using namespace std::chrono;
  const auto left = ceil<milliseconds>(end - steady_clock::now()).count();
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (left <= 0 || ::poll(&input, 1, static_cast<int>(std::min<long>(left, 500))) <= 0)
    return std::nullopt;
  char key = 0;
  if (::read(STDIN_FILENO, &key, 1) == 1)
    return key;
  return 'q'; // the terminal is gone
}

} // namespace xdpc::driver
