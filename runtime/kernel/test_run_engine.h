// The engine that runs a policy in the kernel by BPF_PROG_TEST_RUN, in test mode and on one CPU. Entry point:
// loadForTest. Tested in tests/runtime/engine_test.cpp.
#pragma once

#include "runtime/engine/engine.h"

#include <memory>

namespace xdpc::kernel {

// The calling thread stays on its present CPU while the engine lives, so that what is sampled per CPU is repeatable.
Result<std::unique_ptr<engine::Engine>, engine::EngineError> loadForTest(const object::Object& object);

} // namespace xdpc::kernel
