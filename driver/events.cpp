// `xdpc events`: the stream of events, a line each, or the packets that they were emitted for, until interrupted or the
// policy is gone. Tested by tests/runtime, tests/live/flood.py and tests/live/capture.py.
#include "runtime/events/events.h"
#include "driver/commands.h"
#include "driver/frame_file.h"
#include "driver/kernel_errors.h"
#include "driver/stop.h"
#include "driver/target.h"
#include "runtime/swap/follow_events.h"

#include <nlohmann/json.hpp>

namespace xdpc::driver {

namespace {

int printEvents(const EventsOptions& options) {
  std::atomic<bool>& stop = stopOnSignals();
  abi::Manifest manifest;
  uint64_t count = 0, lost = 0;
  const swap::EventSink sink{
      .policy = [&](const abi::Manifest& now) { manifest = now; },
      .record =
          [&](std::span<const uint8_t> record) {
            if (options.count != 0 && count == options.count)
              return;
            if (const auto event = events::decode(manifest, record); event)
              print((options.json ? events::formatJson(*event) : events::formatLine(*event)) + "\n");
            else
              warn(event.error().message);
            stop = ++count == options.count || stop;
          },
      .rest = [&] { stop = std::fflush(stdout) != 0 || stop; },
      .lost =
          [&](uint64_t more) {
            lost += more;
            if (options.json)
              printLine("{}", nlohmann::ordered_json{{"schema", kSchema}, {"lost", lost}}.dump());
          },
  };
  const auto end = swap::followEvents(targetOf(options.target), sink, stop);
  if (!end)
    return fail(end.error());
  std::fflush(stdout);
  if (*end == swap::EventsEnd::detached)
    note("the policy or its device is gone");
  if (!options.json)
    note(fmt::format("{} events, {} lost", count, lost));
  return kFine;
}

} // namespace

int eventsCommand(const EventsOptions& options) {
  if (options.pcap.empty())
    return printEvents(options);
  return writeFrames(options.target, {.of_events = true}, {options.pcap, options.count, options.json});
}

} // namespace xdpc::driver
