// `xdpc capture`: packets of a running policy in flight, as lines or into a file. Tested by tests/live/capture.py.
#include "driver/commands.h"
#include "driver/frame_file.h"
#include "driver/frame_line.h"
#include "driver/kernel_errors.h"
#include "driver/stop.h"
#include "driver/target.h"
#include "runtime/abi/verdict.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <charconv>

namespace xdpc::driver {

namespace {

using Json = nlohmann::ordered_json;

// "1/100"; nothing if it is none.
std::optional<uint32_t> sampleOf(const std::string& text) {
  uint32_t every = 0;
  const char* end = text.data() + text.size();
  if (!text.starts_with("1/"))
    return std::nullopt;
  const auto parsed = std::from_chars(text.data() + 2, end, every);
  return parsed.ec == std::errc{} && parsed.ptr == end && every > 0 ? std::optional(every) : std::nullopt;
}

const char* verdictText(uint8_t verdict) {
  return verdict <= abi::kRedirect ? abi::verdictName(static_cast<abi::Verdict>(verdict)) : "-";
}

class Lines {
public:
  Lines(bool json, uint64_t count) : json_(json), count_(count) {}

  void policy(const swap::LivePolicy& policy) {
    manifest_ = policy.manifest;
    devices_ = FrameDevices(policy);
  }

  // False: that is enough.
  bool frame(const abi::FrameHeader& header, std::span<const uint8_t> bytes) {
    if (count_ != 0 && done_ == count_)
      return false;
    print((json_ ? json(header, bytes) : text(header, bytes)) + "\n");
    return ++done_ != count_;
  }
  uint64_t done() const { return done_; }

private:
  std::string text(const abi::FrameHeader& header, std::span<const uint8_t> bytes) const {
    return fmt::format("{}.{:09} {} by {}: {} bytes, {}", header.time_ns / 1'000'000'000,
                       header.time_ns % 1'000'000'000, verdictText(header.verdict), ruleOf(manifest_, header.slot),
                       header.length, frameLine(bytes));
  }

  std::string json(const abi::FrameHeader& header, std::span<const uint8_t> bytes) {
    std::string hex;
    for (const uint8_t byte : bytes)
      fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
    return Json{{"schema", kSchema},
                {"time_ns", header.time_ns},
                {"device", devices_.name(header.ifindex)},
                {"rule", ruleOf(manifest_, header.slot)},
                {"verdict", header.verdict <= abi::kRedirect ? Json(verdictText(header.verdict)) : Json(nullptr)},
                {"rx_queue", header.rx_queue},
                {"length", header.length},
                {"frame", hex}}
        .dump();
  }

  bool json_;
  uint64_t count_, done_ = 0;
  abi::Manifest manifest_;
  FrameDevices devices_;
};

int printFrames(const CaptureOptions& options, const swap::CaptureRequest& request) {
  std::atomic<bool>& stop = stopOnSignals();
  Lines lines(options.json, options.count);
  const swap::FrameSink sink{
      .policy = [&](const swap::LivePolicy& policy) { lines.policy(policy); },
      .frame = [&](const abi::FrameHeader& header,
                   std::span<const uint8_t> bytes) { stop = !lines.frame(header, bytes) || stop; },
      .rest = [&] { stop = std::fflush(stdout) != 0 || stop; },
  };
  const auto end = swap::followFrames(targetOf(options.target), request, sink, stop);
  if (!end)
    return fail(end.error());
  std::fflush(stdout);
  if (end->gone)
    note(end->gone->message);
  sayFrames({lines.done(), end->totals}, options.json);
  return kFine;
}

} // namespace

int captureCommand(const CaptureOptions& options) {
  swap::CaptureRequest request;
  if (!options.rule.empty())
    request.rule = options.rule;
  if (!options.verdict.empty())
    request.verdict = abi::verdictByName(options.verdict);
  const auto sample = sampleOf(options.sample);
  if (!sample)
    return fail(kUsage, fmt::format("`--sample {}`: it is written 1/N, as in 1/100", options.sample));
  request.sample = *sample;
  request.snap_length = options.snap_length;
  request.ring_bytes = std::bit_ceil(static_cast<uint32_t>(options.buffer));
  if (options.pcap.empty())
    return printFrames(options, request);
  return writeFrames(options.target, request, {options.pcap, options.count, options.json});
}

} // namespace xdpc::driver
