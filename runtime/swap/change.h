// A change of the program on all devices of an instance, one after the other: whole on each, complete or undone on all
// of them (docs/decisions/0160). Entry points: change, resume. Tested in tests/runtime/instance_test.cpp,
// tests/live/instance.py and crash.py.
#pragma once

#include "runtime/swap/hook.h"
#include "runtime/swap/installed.h"

#include <string>
#include <vector>

namespace xdpc::swap {

// A device that has no link yet.
struct Newcomer {
  Place place;
  Mode mode = Mode::automatic;
};

struct Change {
  Running to; // is pinned, and its ledger says from where it carries
  Undo undo = Undo::add;
  std::vector<Newcomer> newcomers;
  std::optional<std::string> netns; // theirs
};

struct Changed {
  std::vector<Hooked> joined;
  std::vector<std::string> gone; // devices that vanished meanwhile; the others went on
};

// What fails leaves all devices as they were, counts included. `live` is what they were, or nothing; it is not looked
// at again. With several devices an intent is pinned meanwhile.
Result<Changed> change(const Folder& folder, const std::optional<Installed>& live, const kernel::Fd& program,
                       const Change& wanted);

// Finishes a change that a killed command left half done, or undoes it where that fails. `live` is then what it is.
Result<Done> resume(const Folder& folder, std::optional<Installed>& live, const std::optional<std::string>& netns);

} // namespace xdpc::swap
