// Frames of a running policy into a pcapng file, with the rule and the verdict of each: what `xdpc capture --pcap` and
// `xdpc events --pcap` have in common. Entry point: writeFrames. Tested by tests/live/capture.py.
#pragma once

#include "driver/commands.h"
#include "runtime/swap/capture.h"

#include <map>

namespace xdpc::driver {

// Until stopped, or after `count` if that is not 0. Says at the end what was captured and lost, on standard error, with
// `json` as JSON. The exit code.
struct FrameOutput {
  std::string pcap;
  uint64_t count = 0;
  bool json = false;
};
int writeFrames(const Target& target, const swap::CaptureRequest& request, const FrameOutput& output);

struct FramesDone {
  uint64_t captured = 0;
  swap::CaptureTotals totals;
};
void sayFrames(const FramesDone& done, bool json);

// What stands for the rule in messages: its name, or its slot's.
std::string ruleOf(const abi::Manifest& manifest, uint32_t slot);

// Names of an instance's devices, by the number that a frame carries.
class FrameDevices {
public:
  FrameDevices() = default;
  explicit FrameDevices(const swap::LivePolicy& policy);
  const std::string& name(uint32_t ifindex);

private:
  kernel::Device device_;
  swap::Folder folder_;
  std::map<uint32_t, std::string> names_;
};
// From CLOCK_MONOTONIC to 1970.
uint64_t unixOffset();

} // namespace xdpc::driver
