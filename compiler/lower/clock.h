// The clock that meters share: the exact one, read once per 16 uses on a CPU or when jiffies have moved. Reading it
// takes 25 ns where a whole meter takes less than two. It lags, never leads, and so no meter lets more pass than it
// says. Entry point: lowerSharedClock. Tested by tests/concurrency/tables_test.cpp.
#pragma once

#include "compiler/lower/builder.h"

namespace xdpc::lower {

// ns (i64). In test mode the test's clock.
llvm::Value* lowerSharedClock(Builder& builder);

} // namespace xdpc::lower
