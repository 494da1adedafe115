// Which instance the devices that attach() was given are of, and whether they may be attached to together. Entry point:
// choose. Tested in tests/runtime/instance_test.cpp, swap_test.cpp and stranger_test.cpp.
#pragma once

#include "runtime/swap/attach.h"
#include "runtime/swap/instance.h"

namespace xdpc::swap {

struct Chosen {
  Instance instance;                    // restored; without `live` it is a new one
  std::vector<Place> places;            // that were named
  std::vector<Place> newcomers() const; // those of them that have no link yet
};

// Locked. An error says what is in the way: devices that were left out, other instances, a trial, strangers.
Result<Chosen> choose(const Target& target, const AttachOptions& options);

} // namespace xdpc::swap
