// Asks for the thread's capabilities and words what is missing. Tested in tests/runtime/privilege_test.cpp.
#include "runtime/kernel/privilege.h"

#include <cerrno>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

namespace xdpc::kernel {
namespace {

constexpr const char* kAsRoot = "run it as root (`sudo xdpc …`)";
constexpr const char* kHelp = "run it as root (`sudo xdpc …`), or once `sudo setcap "
                              "cap_bpf,cap_net_admin,cap_perfmon+ep \"$(command -v xdpc)\"`";

bool has(uint64_t set, unsigned capability) {
  return (set >> capability & 1) != 0;
}

} // namespace

uint64_t effectiveCapabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capget, &header, data) != 0)
    return 0;
  return uint64_t{data[1].effective} << 32 | data[0].effective;
}

std::vector<std::string> missingCapabilities() {
  const uint64_t set = effectiveCapabilities();
  std::vector<std::string> missing;
  if (has(set, CAP_SYS_ADMIN))
    return missing;
  if (!has(set, CAP_BPF))
    missing.emplace_back("CAP_BPF");
  if (!has(set, CAP_NET_ADMIN))
    missing.emplace_back("CAP_NET_ADMIN");
  if (!has(set, CAP_PERFMON))
    missing.emplace_back("CAP_PERFMON");
  return missing;
}

KernelError privilegeError(std::string situation, int code) {
  KernelError error{.kind = ErrorKind::privilege, .code = code};
  const auto missing = missingCapabilities();
  if (code == EACCES) {
    error.message = fmt::format("{}: permission denied", situation);
    error.help = kAsRoot;
  } else if (!missing.empty()) {
    error.message = fmt::format("{}: this needs {}", situation, fmt::join(missing, ", "));
    error.help = kHelp;
  } else {
    error.message = fmt::format("{}: not permitted, although the capabilities are there", situation);
    error.help = "they may hold in a user namespace only, or a security module or lockdown forbids bpf()";
  }
  return error;
}

KernelError needsSysAdmin(std::string situation) {
  return {ErrorKind::privilege, EPERM, fmt::format("{}: this needs CAP_SYS_ADMIN", situation), {}, kAsRoot};
}

KernelResult<Done> requireCapabilities(std::string situation) {
  for (const auto& name : missingCapabilities())
    if (name != "CAP_PERFMON") // some programs load without it; loading says if this one does not
      return privilegeError(std::move(situation), EPERM);
  return Done{};
}

} // namespace xdpc::kernel
