// See junit.h. Tested by tests/lit/cli/test_fails.xf.
#include "driver/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace xdpc::driver {

namespace {

// Control characters are not allowed in XML 1.0 at all, but for line end and tab.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  return out;
}

size_t failures(const JunitSuite& suite) {
  return static_cast<size_t>(
      std::count_if(suite.cases.begin(), suite.cases.end(), [](const JunitCase& c) { return !c.failure.empty(); }));
}

} // namespace

std::string toJunit(const std::vector<JunitSuite>& suites) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const JunitSuite& suite : suites) {
    out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", escaped(suite.name),
                       suite.cases.size(), failures(suite));
    for (const JunitCase& c : suite.cases) {
      out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", escaped(suite.name),
                         escaped(c.name), c.seconds);
      out += c.failure.empty() ? "/>\n"
                               : fmt::format(">\n      <failure>{}</failure>\n    </testcase>\n", escaped(c.failure));
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

} // namespace xdpc::driver
