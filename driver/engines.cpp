// See engines.h. Tested by everything under tests/packet.
#include "driver/engines.h"

#include "runtime/events/events.h"
#include "runtime/kernel/test_run_engine.h"
#include "runtime/sets/sets.h"
#include "runtime/vm/vm.h"

namespace xdpc::driver {

Result<std::unique_ptr<engine::Engine>, engine::EngineError> loadEngine(const std::string& name,
                                                                        object::Object object) {
  if (name.ends_with("-copied"))
    object.config.mode |= abi::kModeCopied;
  auto engine = name.starts_with("kernel") ? kernel::loadForTest(object) : vm::load(object);
  if (!engine)
    return engine;
  engine::Maps& maps = (*engine)->maps();
  const abi::Manifest& manifest = (*engine)->manifest();
  if (const auto added = sets::addInitial(maps, manifest); !added)
    return engine::EngineError{"cannot add the initial elements: " + added.error().message, {}, false};
  if (const auto leased = events::setLease(maps, manifest, ~uint64_t{0}); !leased)
    return engine::EngineError{leased.error().message, {}, false};
  return engine;
}

std::string toText(const engine::EngineError& error) {
  return error.details.empty() ? error.message : error.message + "\n" + error.details;
}

} // namespace xdpc::driver
