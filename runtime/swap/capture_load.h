// The load of a generation's own code that copies frames, over the generation's maps. Entry point: loadCapture. Tested
// by tests/live/capture.py.
#pragma once

#include "runtime/kernel/program.h"
#include "runtime/swap/capture.h"
#include "runtime/swap/generation.h"

namespace xdpc::swap {

// Ready to be put on a link; its lease has not begun, and so it copies nothing yet.
struct CaptureLoad {
  kernel::LoadedPolicy policy;
  uint32_t state_map = 0;  // of abi::CaptureState
  uint32_t frames_map = 0; // a ring of abi::FrameHeader and bytes
};

// not_found if the policy has no such rule or no events.
Result<CaptureLoad> loadCapture(const Generation& generation, const CaptureRequest& request);

} // namespace xdpc::swap
