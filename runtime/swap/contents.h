// Sets whose contents are given, whatever they held: all of it is there with the first packet that meets the policy.
// Entry point: replaceSet. Tested by tests/live/set_replace.py.
#pragma once

#include "runtime/sets/sets.h"
#include "runtime/swap/target.h"

#include <string>
#include <vector>

namespace xdpc::swap {

struct SetContents {
  std::string set;
  std::vector<sets::Element> elements; // those that have ended are left out
};

// Gives a set of the running policy other contents in one step: the same program is loaded over tables of their own and
// takes the running one's place by one update of the link. It keeps its name, its history and all other state. During
// a trial the running maps are changed instead: prefixes in one step, all else one after another. Gives warnings, as
// attach does, and then one of what that means.
Result<std::vector<std::string>> replaceSet(const Target& target, const SetContents& contents);

} // namespace xdpc::swap
