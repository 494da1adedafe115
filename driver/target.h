// A command line's --dev, --netns and --bpffs as the runtime takes them.
#pragma once

#include "driver/commands.h"
#include "runtime/swap/target.h"

namespace xdpc::driver {

inline swap::Target targetOf(const Target& target) {
  return {target.device, target.netns.empty() ? std::nullopt : std::optional(target.netns), target.bpffs};
}

} // namespace xdpc::driver
