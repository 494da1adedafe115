// Test results as JUnit XML, as continuous integration reads it: a suite a file, a case a test.
#pragma once

#include <string>
#include <vector>

namespace xdpc::driver {

struct JunitCase {
  std::string name;
  double seconds = 0;
  std::string failure; // empty: passed
};

struct JunitSuite {
  std::string name;
  std::vector<JunitCase> cases;
};

std::string toJunit(const std::vector<JunitSuite>& suites);

} // namespace xdpc::driver
