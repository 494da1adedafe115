// Clears the folder of an instance. Entry points: clearDead, clearTrials, sweepVanished. Tested in
// tests/runtime/attach_test.cpp, swap_test.cpp and instance_test.cpp.
#pragma once

#include "runtime/swap/installed.h"

namespace xdpc::swap {

// Removes what killed commands and vanished devices left in the folder, and what is not kept any longer; without
// `live`, everything. The caller has the folder's lock, and nothing is left to carry over.
Result<Done> clearDead(const Folder& folder, const std::optional<Installed>& live);

// Removes what trials and captures that are no longer on a link left behind.
Result<Done> clearTrials(const Folder& folder, const Installed& live);

// Removes the folders of instances whose devices have all vanished. Those that another xdpc works on are left to it.
void sweepVanished(const std::filesystem::path& bpffs);

} // namespace xdpc::swap
