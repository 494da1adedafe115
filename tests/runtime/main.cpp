// Enters a world of its own before the first test.
#include "tests/runtime/world.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!testing::GTEST_FLAG(list_tests))
    xdpc::live::enterWorld();
  return RUN_ALL_TESTS();
}
