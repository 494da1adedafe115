// Names a stranger's program, takes it off and puts it back. Tested in tests/runtime/stranger_test.cpp.
#include "runtime/swap/stranger.h"

#include "runtime/kernel/privilege.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>

namespace xdpc::swap {
namespace {

using kernel::ErrorKind;
using kernel::KernelError;

std::string describe(const kernel::Stranger& stranger) {
  if (stranger.program_name.empty())
    return fmt::format("program {}", stranger.program_id);
  return fmt::format("program {} (`{}`)", stranger.program_id, stranger.program_name);
}

KernelError heldByLink(const std::string& device, const kernel::Stranger& stranger) {
  return {ErrorKind::busy,
          EBUSY,
          fmt::format("`{}` carries {}, which link {}{} holds", device, describe(stranger), stranger.link_id,
                      stranger.holder.empty() ? "" : " of " + stranger.holder),
          {},
          fmt::format("xdpc does not break other programs' links: stop its owner, or `bpftool link detach id {}`",
                      stranger.link_id)};
}

} // namespace

Result<Done> mayReplace(const Place& place, bool replace) {
  const auto stranger = kernel::findStranger(place.device, place.hook.program_id);
  if (stranger.link_id != 0)
    return heldByLink(place.device.name, stranger);
  if (replace)
    return Done{};
  return KernelError{ErrorKind::busy,
                     EBUSY,
                     fmt::format("`{}` already carries {}, which is not xdpc's", place.device.name, describe(stranger)),
                     {},
                     "take its place with --replace"};
}

Result<StrangerOff> StrangerOff::take(const Place& place) {
  kernel::Fd program(bpf_prog_get_fd_by_id(place.hook.program_id));
  if (!program) {
    const std::string situation = fmt::format("cannot open program {}", place.hook.program_id);
    return errno == EPERM ? kernel::needsSysAdmin(situation) : kernel::systemError(situation, errno);
  }
  if (auto off = kernel::detachByNetlink(place.device, program, place.hook.mode); !off)
    return off.error();
  return StrangerOff(place, std::move(program));
}

Result<Done> StrangerOff::putBack() {
  return kernel::attachByNetlink(place_.device, program_, place_.hook.mode);
}

SignalsHeld::SignalsHeld() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsHeld::~SignalsHeld() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace xdpc::swap
