// Meters whose numbers cannot be meant: a rate that no interface brings, a burst that no full frame fits.
#include "compiler/analysis/warnings.h"

#include <fmt/format.h>

namespace xdpc::analysis {
namespace {

// 800 Gbit/s of frames of 64 bytes and the 20 that stand between them.
constexpr uint64_t kMostBits = 800'000'000'000, kMostPackets = kMostBits / 8 / 84;
constexpr uint64_t kFullFrame = 1514;

} // namespace

void warnOfMeters(const ir::Policy& policy, diag::Emitter& emitter) {
  for (const ir::Meter& meter : policy.meters) {
    if (meter.rate > (meter.bits ? kMostBits : kMostPackets))
      emitter.report(diag::Id::meter_never_exceeded, meter.span, "no interface exceeds this rate").label =
          meter.bits ? "more than 800 Gbps" : "more than 800 Gbps of the smallest frames";
    if (meter.bits && meter.burst < kFullFrame)
      emitter
          .report(diag::Id::short_burst, meter.span,
                  fmt::format("a burst of {} bytes is shorter than a full frame of {}", meter.burst, kFullFrame))
          .label = "longer frames never conform";
  }
}

} // namespace xdpc::analysis
