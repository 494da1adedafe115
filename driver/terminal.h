// A screen that is painted over and over: raw input, the alternate screen, the size as it is now. Everything is put
// back when it goes.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <termios.h>

namespace xdpc::driver {

struct ScreenSize {
  unsigned rows = 24, columns = 80;
};

// Standard input and output are a terminal that can be painted.
bool isScreen();
// No NO_COLOR, and a terminal that has colours.
bool colorOnStdout();

class Screen {
public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;

  ScreenSize size() const;
  void paint(std::string_view lines) const; // over what was there
  // A key, or nothing when the time is up, the size changed, or a signal came.
  std::optional<char> key(std::chrono::steady_clock::time_point end) const;

private:
  termios before_{};
};

} // namespace xdpc::driver
