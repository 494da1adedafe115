// `xdpc events`: the stream of events, a line each, until interrupted or the policy is gone. Tested by tests/runtime.
#include "runtime/events/events.h"
#include "driver/commands.h"
#include "driver/kernel_errors.h"
#include "driver/target.h"
#include "runtime/swap/follow_events.h"

#include <csignal>

namespace xdpc::driver {

namespace {

std::atomic<bool> stop{false}; // a signal handler reaches nothing else

void stopOnSignals() {
  struct sigaction action{};
  action.sa_handler = [](int) { stop = true; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

} // namespace

int eventsCommand(const EventsOptions& options) {
  stopOnSignals();
  abi::Manifest manifest;
  uint64_t count = 0;
  const swap::EventSink sink{
      .policy = [&](const abi::Manifest& now) { manifest = now; },
      .record =
          [&](std::span<const uint8_t> record) {
            if (stop)
              return;
            if (const auto event = events::decode(manifest, record); event)
              printLine("{}", options.json ? events::formatJson(*event) : events::formatLine(*event));
            else
              warn(event.error().message);
            const bool written = std::fflush(stdout) == 0;
            stop = !written || ++count == options.count;
          },
  };
  const auto end = swap::followEvents(targetOf(options.target), sink, stop);
  if (!end)
    return fail(end.error());
  if (*end == swap::EventsEnd::detached)
    note("the policy or its device is gone");
  return kFine;
}

} // namespace xdpc::driver
