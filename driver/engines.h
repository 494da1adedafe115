// Loads a policy into one of the two engines for tests, ready to run: initial elements are in, events are on.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/object/object.h"

#include <memory>
#include <string>

namespace xdpc::driver {

// `name`: "vm" or "kernel", with "-copied" behind it for headers read from a copy.
Result<std::unique_ptr<engine::Engine>, engine::EngineError> loadEngine(const std::string& name, object::Object object);

// The error's lines for a person, without a line end.
std::string toText(const engine::EngineError& error);

} // namespace xdpc::driver
