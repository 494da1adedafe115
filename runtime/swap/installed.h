// What runs on the devices of an instance by its pins: the links, and the generation whose program has the links'
// program id. No second record says so. Tested in tests/runtime/attach_test.cpp, swap_test.cpp and instance_test.cpp.
#pragma once

#include "runtime/kernel/link.h"
#include "runtime/swap/generation.h"
#include "runtime/swap/intent.h"

#include <optional>
#include <string>

namespace xdpc::swap {

// A device of an instance, by its link.
struct Member {
  uint32_t ifindex = 0; // as its pin says; the device may have another one since it was moved to another namespace
  kernel::Fd link;
  kernel::LinkInfo info;
  Running running;
};

struct Installed {
  std::vector<Member> members; // at least one
  std::vector<uint32_t> gone;  // devices that vanished or were taken off by force; their pins are still there
  uint32_t program_id = 0;     // what the links run; while a change is under way, what it leads to
  uint32_t generation = 0;     // 0: the links run a program that none of the generations has
  kernel::Fd program;          // that the links run: the generation's, or its trial's
  bool trial = false;
  uint64_t deadline_ns = 0; // of the trial, coarse CLOCK_MONOTONIC
  bool capture = false;     // `program` is the generation's in a load that captures
  uint32_t policy_id = 0;   // of the program that a reader knows the policy by: the links', or, of a capture, its own

  Running running() const { return {generation, trial, capture}; }
  const Member* member(uint32_t ifindex) const; // by its pin
  // By what it is now: the only device of an instance is found where it was moved to, too.
  const Member* member(const Place& place) const;
};

// The kernel has handed over to the generation before, although the links still run the trial.
bool trialIsOver(const Installed& live);
uint64_t secondsLeft(const Installed& live);
// Which generation judges packets: the links', or, when its trial is over, the one before it; 0: none.
Result<uint32_t> effectiveGeneration(const Folder& folder, const Installed& live);

// Of captures: `prog` lies in it, and its lock is held by who reads.
std::filesystem::path capturePath(const Folder& folder, uint32_t generation);
Result<kernel::Fd> openCapture(const Folder& folder, uint32_t generation);
void removeCapture(const Folder& folder, uint32_t generation);
// On the links, or in a trial's place of the policy. Whoever captures may be dead.
bool isCaptured(const Folder& folder, const Installed& live);

// A device in the folder's namespace that runs one of its programs although no link of it is pinned there: somebody
// took the pin away, and holds the link. Its name.
std::optional<std::string> strayDevice(const Folder& folder);
kernel::KernelError linkPinGone(const Folder& folder, const std::string& device);

// Nothing if there is no link, or the devices of all are gone.
Result<std::optional<Installed>> installed(const Folder& folder);

// The program of a generation, of its trial or of its capture.
Result<kernel::Fd> openRunning(const Folder& folder, const Running& running);
// Ours by its pin; of others the id is all that there is.
Result<kernel::Fd> programWithId(const Folder& folder, uint32_t id);
// A device's name now, or as it was remembered. In its namespace.
std::string memberName(const Folder& folder, uint32_t ifindex);

// Generations that ran before and can be returned to, the live one among them: it, the one before it, and the newest
// others, kKept in all.
inline constexpr size_t kKept = 3;
std::vector<uint32_t> keptGenerations(const Folder& folder, const Installed& live);

} // namespace xdpc::swap
