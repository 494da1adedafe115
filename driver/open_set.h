// A live policy and one of its sets, as all of `xdpc set` begins.
#pragma once

#include "driver/commands.h"
#include "runtime/swap/open.h"

#include <optional>

namespace xdpc::driver {

struct OpenSet {
  swap::LivePolicy live;
  uint32_t set = 0; // index in the manifest

  const abi::Set& description() const { return live.manifest.sets[set]; }
};

// Nothing on errors, which have been said; `code` is then the exit code.
std::optional<OpenSet> openSet(const SetOptions& options, swap::Access access, int& code);

uint64_t monotonicNow(); // ns

} // namespace xdpc::driver
