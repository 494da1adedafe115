// Asks membarrier(2) for the grace period, and where that is not to be had, a change of a map of maps. Tested in
// tests/runtime/carry_test.cpp.
#include "runtime/kernel/grace.h"

#include "runtime/kernel/fd.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace xdpc::kernel {
namespace {

// bpf(2) returns from changing a map of maps when no program uses the old inner map any more.
KernelResult<Done> byMapOfMaps() {
  const Fd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_grace", 4, 4, 1, nullptr));
  if (!inner)
    return systemError("cannot wait for a grace period", errno);
  LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = static_cast<uint32_t>(inner.get()));
  const Fd outer(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xdpc_grace", 4, 4, 1, &options));
  const uint32_t key = 0;
  const int value = inner.get();
  if (!outer || bpf_map_update_elem(outer.get(), &key, &value, BPF_ANY) != 0)
    return systemError("cannot wait for a grace period", errno);
  return Done{};
}

} // namespace

KernelResult<Done> awaitGracePeriod() {
  // Not there on kernels with nohz_full.
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
    return Done{};
  return byMapOfMaps();
}

} // namespace xdpc::kernel
