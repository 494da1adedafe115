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

#include <optional>
#include <string>

namespace xdpc::driver {

namespace {

using events::Form;

// What is there is written as soon as the ring is empty, so that somebody who looks sees it at once; in a burst, which
// does not end, as soon as it is this much.
constexpr size_t kBatchBytes = 1 << 16;

struct Lines {
  std::string text;

  // False: nobody reads it any more.
  bool write() {
    print(text);
    text.clear();
    return std::fflush(stdout) == 0;
  }
};

int printEvents(const EventsOptions& options) {
  std::atomic<bool>& stop = stopOnSignals();
  std::optional<events::Formatter> formatter;
  uint64_t count = 0, lost = 0;
  Lines lines;
  const swap::EventSink sink{
      .policy = [&](const abi::Manifest& now) { formatter.emplace(now, options.json ? Form::json : Form::line); },
      .record =
          [&](std::span<const uint8_t> record) {
            if (options.count != 0 && count == options.count)
              return;
            if (const auto added = formatter->append(lines.text, record); !added)
              warn(added.error().message);
            stop = ++count == options.count || stop;
            if (lines.text.size() >= kBatchBytes)
              stop = !lines.write() || stop;
          },
      .rest = [&] { stop = !lines.write() || stop; },
      .lost =
          [&](uint64_t more) {
            lost += more;
            if (options.json)
              lines.text += nlohmann::ordered_json{{"schema", kSchema}, {"lost", lost}}.dump() + "\n";
          },
  };
  const auto end = swap::followEvents(targetOf(options.target), sink, stop);
  (void)lines.write();
  if (!end)
    return fail(end.error());
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
