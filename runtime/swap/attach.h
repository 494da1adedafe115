// Attach and swap: one transaction. The new policy is loaded, filled and pinned beside the old one; then one link
// update (or link creation) a device decides; then the old one's pins go. Whatever fails before that leaves the old
// policy running and untouched; what fails between the devices puts it back. Entry point: attach. Tested in
// tests/runtime/attach_test.cpp, swap_test.cpp, stranger_test.cpp and instance_test.cpp.
#pragma once

#include "runtime/swap/contents.h"
#include "runtime/swap/hook.h"
#include "runtime/swap/stage.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::swap {

struct AttachOptions {
  Mode mode = Mode::automatic;
  // Takes the place of a program that somebody else attached by netlink. A stranger's link is never broken.
  bool replace = false;
  Reset reset; // state of the running policy that does not live on
  // A trial of so long: without confirm() until then the former policy is back. Not over a stranger.
  std::optional<uint64_t> confirm_ns;
  // This group may read the pins from now on; none: whoever could before.
  std::optional<uint32_t> group;
  // What these sets hold from the first packet on, instead of what they declare or held.
  std::span<const SetContents> contents;
  // It is this generation's own policy and takes its place in the history, too. ESTALE if another one runs.
  std::optional<uint32_t> in_place_of;
};

struct AttachedDevice {
  kernel::Device device;
  kernel::XdpMode mode = kernel::XdpMode::native;
  uint32_t link_id = 0;
};
struct Attachment {
  std::vector<AttachedDevice> devices; // as they were named
  bool swapped = false;                // in place of a policy of ours, which ran until then
  std::string old_policy;              // its name
  uint32_t program_id = 0, generation = 0;
  std::vector<std::string> warnings; // it runs, but …
  std::vector<std::string> copied;   // of a trial: state that it has of its own, and that goes with it
};

// Of several devices, those of one instance must all be named; free ones join it.
Result<Attachment> attach(Candidate candidate, const Target& target, const AttachOptions& options);
inline Result<Attachment> attach(const object::Object& object, const Target& target, const AttachOptions& options) {
  return attach(Candidate{object, std::nullopt, {}}, target, options);
}

} // namespace xdpc::swap
