// Trials and the way back. During a trial the links run a small program that hands over to the new policy, and past the
// deadline to the one before (runtime/kernel/trial_program.h); a confirmed policy is put on the links itself. Both ways
// are an instance's, whichever of its devices is named. Entry points: confirm, rollback, restore. Tested in
// tests/live/trial.py and instance.py.
#pragma once

#include "runtime/swap/instance.h"
#include "runtime/swap/match.h"
#include "runtime/swap/open.h"

#include <string>

namespace xdpc::swap {

// The new policy stays. An error past the deadline, and then the one before is put back on the link, too.
struct Confirmation {
  std::vector<std::string> devices, notes;
  std::string policy;
};
Result<Confirmation> confirm(const Target& target);

struct Return {
  std::vector<std::string> devices, notes;
  std::string policy;      // that runs now, empty if nothing did before
  std::string from_policy; // that ran until now
  uint32_t generation = 0;
};
// To the generation, or to the one that ran before this one. Ends a trial that is under way.
Result<Return> rollback(const Target& target, std::optional<uint32_t> generation, const Reset& reset);

// Finishes what a killed command left half done, puts the former policy on the links of a trial that is over, and lets
// go of devices that are gone. What every command that changes something does first. `live` is then what it is.
Result<Done> restore(Instance& instance, const Target& target);

// After sets of the policy were changed: during a trial the generation before shares their tries, and its program must
// know that there is something in them.
Result<Done> announceToBefore(const LivePolicy& policy);

// Why a command has to wait for the end of a trial, if one is under way.
Result<Done> refuseDuringTrial(const Installed& live, const std::string& device);

} // namespace xdpc::swap
