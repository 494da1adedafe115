// A device's XDP hook: puts a program on a device that has no link of ours yet, and takes it off again. Entry points:
// takeHook, leaveHook. Tested in tests/runtime/attach_test.cpp, stranger_test.cpp and instance_test.cpp.
#pragma once

#include "runtime/swap/folder.h"
#include "runtime/swap/stranger.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::swap {

enum class Mode : uint32_t {
  automatic, // native, and generic with a warning where the driver has none
  native,
  generic,
};

struct Hooked {
  kernel::Device device;
  kernel::XdpMode mode = kernel::XdpMode::native;
  uint32_t link_id = 0;
  std::vector<std::string> warnings;
  std::optional<StrangerOff> stranger; // that ran there before
};

// In the device's namespace. The link is pinned in the folder. What ran there before runs again if this fails.
Result<Hooked> takeHook(const Folder& folder, const Place& place, const kernel::Fd& program, Mode mode);

// By force, as somebody may hold the link open: an inspection must not keep a policy running. Its pin goes, too.
Result<Done> leaveHook(const Folder& folder, uint32_t ifindex, const kernel::Fd& link);

} // namespace xdpc::swap
