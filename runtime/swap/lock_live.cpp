// See lock_live.h.
#include "runtime/swap/lock_live.h"

#include <fmt/format.h>

namespace xdpc::swap {

Result<Instance> lockLive(const Target& target) {
  auto instance = lockInstance(target);
  if (!instance)
    return instance;
  if (!instance->live)
    return nothingAttached(instance->device);
  if (instance->live->generation == 0)
    return kernel::KernelError{
        kernel::ErrorKind::busy, 0,
        fmt::format("program {} on `{}` has no pins", instance->live->program_id, instance->device)};
  return instance;
}

} // namespace xdpc::swap
