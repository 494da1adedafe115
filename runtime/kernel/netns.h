// Network namespaces: entered by one thread for the moment of a device lookup or an attach, left again at once. The
// mount namespace stays, so that pins are found. Tested in tests/runtime/attach_test.cpp.
#pragma once

#include "runtime/kernel/error.h"
#include "runtime/kernel/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::kernel {

// A path (`/proc/42/ns/net`) or a name below /run/netns.
KernelResult<Fd> openNetns(const std::string& path_or_name);

// Inode of the calling thread's namespace, or of an open one: what instances are named by.
uint64_t currentNetns();
uint64_t netnsInode(const Fd& netns);

// Descriptor of the namespace with the inode, looked for in the calling thread, in /run/netns and among all processes.
// Invalid if nobody shows it.
Fd findNetns(uint64_t inode);
// All that have a name or a process, each once; those that may not be looked at are left out.
std::vector<Fd> allNetns();
// Its name below /run/netns, or empty.
std::string netnsName(uint64_t inode);

// In the namespace until destroyed. Only the calling thread moves.
class NetnsScope {
public:
  // Stays where it is if `netns` is empty or names the current one.
  static KernelResult<NetnsScope> enter(const std::optional<std::string>& netns);
  static KernelResult<NetnsScope> enter(const Fd& netns);
  NetnsScope(NetnsScope&&) = default;
  ~NetnsScope();

private:
  NetnsScope() = default;
  Fd back_;
};

} // namespace xdpc::kernel
