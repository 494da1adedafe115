// Verdicts and their names.
#include "runtime/abi/verdict.h"

#include <gtest/gtest.h>

namespace xdpc::abi {
namespace {

TEST(Verdict, NamesThereAndBack) {
  for (Verdict verdict : {kAborted, kDrop, kPass, kTx, kRedirect})
    EXPECT_EQ(verdictByName(verdictName(verdict)), verdict);
  EXPECT_STREQ(verdictName(kAborted), "abort");
}

TEST(Verdict, WhatIsNoneHasNoName) {
  EXPECT_STREQ(verdictName(kNoVerdict), "none");
  EXPECT_STREQ(verdictName(static_cast<Verdict>(77)), "none");
  EXPECT_FALSE(verdictByName("none"));
  EXPECT_FALSE(verdictByName("aborted"));
}

} // namespace
} // namespace xdpc::abi
