// Where a policy was attached to, as commands say it.
#pragma once

#include "runtime/swap/attach.h"

#include <fmt/ranges.h>

namespace xdpc::driver {

// "eth0 (native mode, program 12)"; of several devices the program last.
inline std::string whereText(const swap::Attachment& attached) {
  const auto mode = [](const swap::AttachedDevice& one) { return kernel::modeName(one.mode); };
  if (attached.devices.size() == 1)
    return fmt::format("{} ({} mode, program {})", attached.devices[0].device.name, mode(attached.devices[0]),
                       attached.program_id);
  std::vector<std::string> texts;
  for (const swap::AttachedDevice& one : attached.devices)
    texts.push_back(fmt::format("{} ({} mode)", one.device.name, mode(one)));
  return fmt::format("{}, program {}", fmt::join(texts, ", "), attached.program_id);
}

} // namespace xdpc::driver
