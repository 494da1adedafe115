// Which device or devices, in which network namespace, with pins on which bpffs.
#pragma once

#include "runtime/kernel/device.h"
#include "runtime/kernel/error.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::swap {

template <class T> using Result = kernel::KernelResult<T>;

inline constexpr const char* kDefaultBpffs = "/sys/fs/bpf";

struct Target {
  std::string device;               // or several, with commas between them
  std::optional<std::string> netns; // name below /run/netns, or a path; the caller's without it
  std::filesystem::path bpffs = kDefaultBpffs;
};

// A target found.
struct Place {
  kernel::Device device;
  uint64_t netns = 0; // inode
  kernel::HookState hook;
};
Result<Place> locate(const Target& target);                 // the first one
Result<std::vector<Place>> locateAll(const Target& target); // as they were named, none twice

} // namespace xdpc::swap
