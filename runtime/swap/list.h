// What runs where, device by device. Entry points: list, show. Tested in tests/runtime/list_test.cpp and
// instance_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/program.h"
#include "runtime/swap/folder.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::swap {

struct KeptGeneration {
  uint32_t number = 0;
  std::string policy, file;
  int64_t since_unix_ns = 0; // when it last began to run
};

enum class TrialState { none, running, returned }; // returned: the deadline is past, the policy before runs

struct Attached {
  Folder folder;          // of its pins
  uint64_t netns = 0;     // inode; of the device, wherever it was attached
  std::string netns_name; // below /run/netns, or empty
  bool own_netns = false; // the caller's
  uint32_t ifindex = 0;
  std::string device;                  // empty if its namespace cannot be entered
  std::optional<kernel::XdpMode> mode; // likewise
  std::string instance;                // the folder of its pins: devices of one instance have the same
  std::vector<std::string> devices;    // of the instance, this one among them
  uint32_t link_id = 0;
  uint32_t generation = 0; // that judges packets
  TrialState trial = TrialState::none;
  uint64_t trial_seconds = 0; // left
  bool capture = false;       // somebody captures packets of it
  std::vector<KeptGeneration> kept;
  kernel::ProgramInfo program;
  int64_t since_unix_ns = 0; // when the program was loaded
  abi::Manifest manifest;    // policy, file, source_sha256, compiler …
  std::string trouble;       // why the manifest is empty, if it is
};

// By namespace and interface index. Removes the pins of vanished devices on the way.
Result<std::vector<Attached>> list(const std::filesystem::path& bpffs = kDefaultBpffs);

struct MapUse {
  std::string name;
  abi::MapRole role = abi::MapRole::counters;
  uint32_t id = 0, max_entries = 0, value_size = 0;
  uint64_t bytes = 0; // what the kernel accounts for it
};
struct Details {
  Attached attached;
  std::vector<MapUse> maps;
};
Result<Details> show(const Target& target);

} // namespace xdpc::swap
