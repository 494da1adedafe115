// Skips, with a reason, where programs cannot be loaded.
#include <cstdio>
#include <gtest/gtest.h>
#include <unistd.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (geteuid() != 0 && !testing::GTEST_FLAG(list_tests)) {
    std::puts("skipped: needs root");
    return 77;
  }
  return RUN_ALL_TESTS();
}
