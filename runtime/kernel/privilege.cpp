// Asks for the thread's capabilities and words what is missing. Tested in tests/runtime/privilege_test.cpp.
#include "runtime/kernel/privilege.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <sys/prctl.h>
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

constexpr uint64_t bit(unsigned capability) {
  return uint64_t{1} << capability;
}

// Root reads its users' policies; CAP_CHOWN gives pins to a group.
constexpr uint64_t kFiles = bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_FOWNER);

struct Sets {
  uint64_t effective = 0, permitted = 0;
};

Sets capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capget, &header, data) != 0)
    return {};
  return {uint64_t{data[1].effective} << 32 | data[0].effective, uint64_t{data[1].permitted} << 32 | data[0].permitted};
}

// Fewer than before, which the kernel never refuses.
void setCapabilities(const Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  for (int i = 0; i < 2; ++i) {
    data[i].effective = static_cast<uint32_t>(sets.effective >> (32 * i));
    data[i].permitted = static_cast<uint32_t>(sets.permitted >> (32 * i));
  }
  if (syscall(SYS_capset, &header, data) != 0) {
    std::perror("xdpc: cannot give capabilities up");
    std::abort();
  }
}

uint64_t neededFor(Need need) {
  switch (need) {
  case Need::files:
    return kFiles;
  case Need::look:
    return kFiles | bit(CAP_BPF);
  case Need::change:
    return kFiles | bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON) | bit(CAP_CHOWN);
  }
  return 0;
}

} // namespace

void keepOnly(Need need, Reach reach) {
  const Sets now = capabilities();
  uint64_t wanted = neededFor(need);
  // It also stands in for those of BPF's that the caller lacks.
  const uint64_t bpf = wanted & ~kFiles & ~bit(CAP_CHOWN);
  if (reach == Reach::others || (now.permitted & bpf) != bpf)
    wanted |= bit(CAP_SYS_ADMIN);
  setCapabilities({now.effective & wanted, now.permitted & wanted});
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void dropAll() {
  setCapabilities({});
}

FilesOnly::FilesOnly() : before_(capabilities().effective) {
  const Sets now = capabilities();
  setCapabilities({now.effective & kFiles, now.permitted});
}

FilesOnly::~FilesOnly() {
  const Sets now = capabilities();
  setCapabilities({before_ & now.permitted, now.permitted});
}

void raisePermitted() {
  const Sets now = capabilities();
  setCapabilities({now.permitted, now.permitted});
}

uint64_t effectiveCapabilities() {
  return capabilities().effective;
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
