// A command line's --dev, --netns and --bpffs as the runtime takes them, and what it has to say of devices.
#pragma once

#include "driver/commands.h"
#include "driver/output.h"
#include "runtime/swap/match.h"
#include "runtime/swap/target.h"

#include <algorithm>

namespace xdpc::driver {

inline swap::Target targetOf(const Target& target) {
  return {target.device, target.netns.empty() ? std::nullopt : std::optional(target.netns), target.bpffs};
}

inline swap::Reset resetOf(const std::vector<std::string>& names) {
  const bool all = std::ranges::find(names, "all") != names.end();
  return {.all = all, .names = all ? std::vector<std::string>() : names};
}

// Devices of an instance that are gone or elsewhere.
inline void sayNotes(const std::vector<std::string>& notes) {
  for (const std::string& text : notes)
    warn(text);
}

} // namespace xdpc::driver
