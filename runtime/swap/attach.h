// Attach and swap: one transaction. The new policy is loaded, filled and pinned beside the old one; then one link
// update (or link creation) decides; then the old one's pins go. Whatever fails before that leaves the old policy
// running and untouched. Entry point: attach. Tested in tests/runtime/attach_test.cpp, swap_test.cpp and
// stranger_test.cpp.
#pragma once

#include "runtime/kernel/program.h"
#include "runtime/object/object.h"
#include "runtime/swap/contents.h"
#include "runtime/swap/match.h"
#include "runtime/swap/target.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::swap {

enum class Mode { automatic, native, generic }; // automatic: native, else generic with a warning

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

struct Attachment {
  kernel::Device device;
  kernel::XdpMode mode = kernel::XdpMode::native;
  bool swapped = false;   // in place of a policy of ours, which ran until then
  std::string old_policy; // its name
  uint32_t program_id = 0, link_id = 0, generation = 0;
  std::vector<std::string> warnings; // it runs, but …
  std::vector<std::string> copied;   // of a trial: state that it has of its own, and that goes with it
};

// What is to run. `groundwork`: where it was laid ahead, while the object was still being compiled. `elf`: the file
// that the object was read from; without it the policy cannot be saved, nor the contents of its sets be replaced.
struct Candidate {
  const object::Object& object;
  std::optional<kernel::Groundwork> groundwork;
  std::span<const uint8_t> elf = {};
};

Result<Attachment> attach(Candidate candidate, const Target& target, const AttachOptions& options);
inline Result<Attachment> attach(const object::Object& object, const Target& target, const AttachOptions& options) {
  return attach(Candidate{object, std::nullopt, {}}, target, options);
}

} // namespace xdpc::swap
