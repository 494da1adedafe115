// Creates, pins and detaches links. Tested in tests/runtime/attach_test.cpp, stranger_test.cpp and instance_test.cpp.
#include "runtime/swap/hook.h"

#include "runtime/kernel/link.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::swap {
namespace {

using kernel::Fd;
using kernel::KernelError;
using kernel::XdpMode;

// Does asking again in generic mode make sense?
bool genericMayDo(const KernelError& error) {
  return error.kind == kernel::ErrorKind::device && error.code != ENODEV && error.code != ENOLINK;
}

Result<Fd> createLink(Hooked& result, const Fd& program, Mode mode) {
  const auto& device = result.device;
  result.mode = mode == Mode::generic ? XdpMode::generic : XdpMode::native;
  auto link = kernel::createXdpLink(program, device, result.mode);
  if (link || mode != Mode::automatic || !genericMayDo(link.error()))
    return link;
  auto second = kernel::createXdpLink(program, device, XdpMode::generic);
  if (!second)
    return second.error();
  result.mode = XdpMode::generic;
  result.warnings.push_back(fmt::format("`{}` runs in generic mode, which is several times slower than native: {}",
                                        device.name, link.error().message));
  return second;
}

Result<Done> linkAndPin(Hooked& result, const Fd& program, Mode mode, const Folder& folder) {
  auto link = createLink(result, program, mode);
  if (!link)
    return link.error();
  const auto path = folder.link(result.device.ifindex);
  if (bpf_obj_pin(link->get(), path.c_str()) != 0)
    return kernel::systemError(fmt::format("cannot pin `{}`", path.string()), errno);
  if (auto info = kernel::linkInfo(*link))
    result.link_id = info->id;
  return Done{};
}

} // namespace

Result<Hooked> takeHook(const Folder& folder, const Place& place, const Fd& program, Mode mode) {
  Hooked result{.device = place.device};
  if (place.hook.program_id == 0) {
    if (auto linked = linkAndPin(result, program, mode, folder); !linked)
      return linked.error();
    return result;
  }
  const SignalsHeld held; // a Ctrl-C between taking a stranger's program off and pinning ours would leave neither
  auto old = StrangerOff::take(place);
  if (!old)
    return old.error();
  if (auto linked = linkAndPin(result, program, mode, folder); !linked) {
    KernelError error = linked.error();
    if (auto back = old->putBack(); !back)
      error.details = fmt::format("and the program that ran there could not be put back: {}", back.error().message);
    return error;
  }
  result.warnings.push_back(
      fmt::format("program {} was taken off `{}`; until xdpc's own was on, some microseconds later, "
                  "packets passed unfiltered",
                  place.hook.program_id, place.device.name));
  result.stranger = std::move(*old);
  return result;
}

Result<Done> leaveHook(const Folder& folder, uint32_t ifindex, const Fd& link) {
  if (auto detached = kernel::detachLink(link); !detached)
    return detached;
  return removePin(folder.link(ifindex));
}

} // namespace xdpc::swap
