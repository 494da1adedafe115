// What every subcommand says the same way: exit codes, errors of the machine, colour, tables. Data goes to standard
// output, diagnostics to standard error.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace xdpc::driver {

enum Exit : int {
  kFine = 0,
  kWrong = 1,    // the policy is wrong, a test failed, something differs
  kUsage = 2,    // the command line, or a file that it names and that cannot be read
  kRefused = 3,  // the kernel, the device or the disk refused
  kNoObject = 4, // no such device, policy, set, counter
};

inline constexpr int kSchema = 1; // of all --json output

// `xdpc: error: MESSAGE` on standard error. Gives `code`, so that `return fail(kRefused, …)` reads well.
int fail(Exit code, std::string_view message);
void warn(std::string_view message);
void note(std::string_view message);

// Standard error is a terminal, and neither NO_COLOR nor a dumb terminal speaks against it.
bool colorOnStderr();

void print(std::string_view text); // to standard output, as it is

template <class... Args> void printLine(fmt::format_string<Args...> format, Args&&... args) {
  print(fmt::format(format, std::forward<Args>(args)...) + "\n");
}

// Columns as wide as their widest cell, two blanks apart. A column whose cells are all numbers is set to the right.
class Table {
public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string text() const;

private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace xdpc::driver
