// Runs one `test` block on a fresh engine: its lines in order, the clock standing still but for `wait`. Every line that
// does not come true is a failure; the later lines run all the same (docs/decisions/0005).
#pragma once

#include "compiler/ir/ir.h"
#include "runtime/engine/engine.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::driver {

struct TestFailure {
  Span span;
  std::string expected; // "drop by ssh"
  std::string actual;   // "pass by default (packet 201 of 400)"
};

struct TestResult {
  std::string title;
  std::vector<TestFailure> failures;
  std::optional<engine::EngineError> broken; // the engine failed; the test ended there
  bool ok() const { return failures.empty() && !broken; }
};

inline constexpr uint64_t kTestClockStart = 1'000'000 * uint64_t{1'000'000'000};

// `engine` is as loadEngine gives it, and used up afterwards.
TestResult runTest(const ir::Policy& policy, const ir::Test& test, engine::Engine& engine);

} // namespace xdpc::driver
