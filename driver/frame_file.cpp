// See frame_file.h.
#include "driver/frame_file.h"

#include "driver/kernel_errors.h"
#include "driver/pcapng.h"
#include "driver/stop.h"
#include "driver/target.h"

#include <nlohmann/json.hpp>

#include <ctime>
#include <map>

namespace xdpc::driver {

namespace {

class FrameFile {
public:
  FrameFile(PcapngWriter writer, uint32_t snap_length)
      : writer_(std::move(writer)), snap_length_(snap_length), offset_(unixOffset()) {}

  void policy(const swap::LivePolicy& policy) {
    if (interfaces_.empty())
      writer_.begin();
    manifest_ = policy.manifest;
    ruleNames();
    devices_ = FrameDevices(policy);
    interface_ = interfaceOf(policy.device.name);
    (void)writer_.flush(); // a reader at a pipe's other end begins with it
  }

  void frame(const abi::FrameHeader& header, std::span<const uint8_t> bytes) {
    PcapngPacket packet{.bytes = bytes,
                        .time_ns = header.time_ns + offset_,
                        .length = header.length,
                        .interface = interfaceOf(devices_.name(header.ifindex)),
                        .queue = header.rx_queue,
                        .comment = "rule " + rule(header.slot)};
    if (header.verdict <= abi::kRedirect)
      packet.verdict = static_cast<abi::Verdict>(header.verdict);
    if (header.event < manifest_.events.size())
      packet.comment = fmt::format("event {}, {}", manifest_.events[header.event].name, packet.comment);
    writer_.write(packet);
    ++captured_;
  }

  bool flush() { return writer_.flush(); }
  uint64_t captured() const { return captured_; }
  FileError error() const { return writer_.error(); }

  void end(const swap::CaptureTotals& totals) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    writer_.writeStatistics(interface_, uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec), totals.matched,
                            totals.lost);
  }

private:
  uint32_t interfaceOf(const std::string& device) {
    const auto [found, fresh] = interfaces_.try_emplace(device, 0);
    if (fresh)
      found->second = writer_.addInterface(device, snap_length_);
    return found->second;
  }

  void ruleNames() {
    names_.clear();
    for (uint32_t slot = 0; slot < manifest_.slots.size(); ++slot)
      names_.push_back(manifest_.slots[slot].name);
  }
  std::string rule(uint32_t slot) const { return slot < names_.size() ? names_[slot] : std::to_string(slot); }

  PcapngWriter writer_;
  uint32_t snap_length_, interface_ = 0;
  uint64_t offset_, captured_ = 0;
  abi::Manifest manifest_;
  std::vector<std::string> names_; // by slot
  std::map<std::string, uint32_t> interfaces_;
  FrameDevices devices_;
};

} // namespace

uint64_t unixOffset() {
  const auto now = [](clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return uint64_t(time.tv_sec) * 1'000'000'000 + uint64_t(time.tv_nsec);
  };
  return now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
}

FrameDevices::FrameDevices(const swap::LivePolicy& policy) : device_(policy.device), folder_(policy.folder) {}

const std::string& FrameDevices::name(uint32_t ifindex) {
  std::string& name = names_[ifindex];
  if (name.empty())
    name = swap::deviceNameOf(folder_, device_, ifindex);
  return name;
}

std::string ruleOf(const abi::Manifest& manifest, uint32_t slot) {
  return slot < manifest.slots.size() ? manifest.slots[slot].name : fmt::format("slot {}", slot);
}

void sayFrames(const FramesDone& done, bool json) {
  if (json)
    fmt::print(stderr, "{}\n",
               nlohmann::ordered_json{{"schema", kSchema},
                                      {"captured", done.captured},
                                      {"matched", done.totals.matched},
                                      {"lost", done.totals.lost}}
                   .dump());
  else
    note(fmt::format("{} packets captured, {} matched, {} lost", done.captured, done.totals.matched, done.totals.lost));
}

int writeFrames(const Target& target, const swap::CaptureRequest& request, const FrameOutput& output) {
  std::atomic<bool>& stop = stopOnSignals();
  auto writer = PcapngWriter::create(output.pcap);
  if (!writer)
    return fail(kUsage, writer.error().message);
  FrameFile file(std::move(*writer), request.snap_length);
  bool broken = false;
  const swap::FrameSink sink{
      .policy = [&](const swap::LivePolicy& policy) { file.policy(policy); },
      .frame =
          [&](const abi::FrameHeader& header, std::span<const uint8_t> bytes) {
            if (output.count != 0 && file.captured() == output.count)
              return;
            file.frame(header, bytes);
            stop = stop || file.captured() == output.count;
          },
      .rest =
          [&] {
            broken = broken || !file.flush();
            stop = stop || broken;
          },
  };
  const auto end = swap::followFrames(targetOf(target), request, sink, stop);
  if (!end)
    return fail(end.error());
  file.end(end->totals);
  if (!file.flush() && output.pcap != "-") // a reader that goes away ends it well
    return fail(kRefused, file.error().message);
  if (end->gone)
    note(end->gone->message);
  sayFrames({file.captured(), end->totals}, output.json);
  return kFine;
}

} // namespace xdpc::driver
