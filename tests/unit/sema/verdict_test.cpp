// A policy's verdicts as words and as the kernel's actions.
#include "compiler/ir/verdict.h"

#include <gtest/gtest.h>

namespace xdpc::ir {
namespace {

TEST(Verdict, IsTheActionOfItsName) {
  EXPECT_EQ(actionOf(Verdict::Pass), abi::kPass);
  EXPECT_EQ(actionOf(Verdict::Drop), abi::kDrop);
  EXPECT_EQ(actionOf(Verdict::Abort), abi::kAborted);
  EXPECT_EQ(actionOf(Verdict::Tx), abi::kTx);
  EXPECT_EQ(verdictByName("abort"), Verdict::Abort);
  EXPECT_FALSE(verdictByName("none"));
}

} // namespace
} // namespace xdpc::ir
