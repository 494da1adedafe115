// Programs on a device's hook that are not xdpc's: never touched without being told to. Tested in
// tests/runtime/stranger_test.cpp.
#pragma once

#include "runtime/swap/target.h"

#include <signal.h>

namespace xdpc::swap {

// Busy, naming the program, unless `replace` is set and it was attached by netlink: a link can be taken off by nobody
// but its holder.
Result<Done> mayReplace(const Place& place, bool replace);

// A netlink program that was taken off its device. The kernel turns no netlink attachment into a link, so between this
// and the new link nothing runs there.
class StrangerOff {
public:
  static Result<StrangerOff> take(const Place& place);
  Result<Done> putBack();

private:
  StrangerOff(Place place, kernel::Fd program) : place_(std::move(place)), program_(std::move(program)) {}
  Place place_;
  kernel::Fd program_;
};

// No signal handler or default action runs on this thread meanwhile.
class SignalsHeld {
public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;

private:
  sigset_t before_;
};

} // namespace xdpc::swap
