// What runs on a device by its pins: the link, and the generation whose program has the link's program id. No second
// record says so. Tested in tests/runtime/attach_test.cpp and swap_test.cpp.
#pragma once

#include "runtime/kernel/link.h"
#include "runtime/swap/generation.h"

#include <optional>
#include <string>

namespace xdpc::swap {

struct Installed {
  kernel::Fd link;
  kernel::LinkInfo info;
  uint32_t generation = 0; // 0: the link runs a program that none of the generations has
  kernel::Fd program;      // that the link runs: the generation's, or its trial's
  bool trial = false;
  uint64_t deadline_ns = 0; // of the trial, coarse CLOCK_MONOTONIC
  bool capture = false;     // `program` is the generation's in a load that captures
  uint32_t policy_id = 0;   // of the program that a reader knows the policy by: the link's, or, of a capture, its own
};

// The kernel has handed over to the generation before, although the link still runs the trial.
bool trialIsOver(const Installed& live);
uint64_t secondsLeft(const Installed& live);
// Which generation judges packets: the link's, or, when its trial is over, the one before it; 0: none.
Result<uint32_t> effectiveGeneration(const Folder& folder, const Installed& live);

// Of captures: `prog` lies in it, and its lock is held by who reads.
std::filesystem::path capturePath(const Folder& folder, uint32_t generation);
void removeCapture(const Folder& folder, uint32_t generation);

// Nothing if there is no link, or its device is gone.
Result<std::optional<Installed>> installed(const Folder& folder);

// Generations that ran before and can be returned to, the live one among them: it, the one before it, and the newest
// others, kKept in all.
inline constexpr size_t kKept = 3;
std::vector<uint32_t> keptGenerations(const Folder& folder, const Installed& live);

// Removes what killed commands and vanished devices left in the folder, and what is not kept any longer; without
// `live`, everything. The caller has the folder's lock, and nothing is left to carry over.
Result<Done> clearDead(const Folder& folder, const std::optional<Installed>& live);

// Removes what trials and captures that are no longer on the link left behind.
Result<Done> clearTrials(const Folder& folder, const Installed& live);

// Removes the folders of vanished devices. Those that another xdpc works on are left to it.
void sweepVanished(const std::filesystem::path& bpffs);

} // namespace xdpc::swap
