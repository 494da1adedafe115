// See stop.h. Tested by tests/live/watch.py and tests/runtime.
#include "driver/stop.h"

#include <algorithm>
#include <csignal>
#include <thread>

namespace xdpc::driver {

namespace {

std::atomic<bool> stop{false}; // a signal handler reaches nothing else

} // namespace

std::atomic<bool>& stopOnSignals() {
  struct sigaction action{};
  action.sa_handler = [](int) { stop = true; };
  action.sa_flags = SA_RESTART; // what is being written is written; waiting for more ends all the same
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return stop;
}

bool sleepUntil(std::chrono::steady_clock::time_point end) {
  using Clock = std::chrono::steady_clock;
  // In slices: a signal may come just before the call that it is to end.
  while (!stop && Clock::now() < end)
    std::this_thread::sleep_for(std::min<Clock::duration>(end - Clock::now(), std::chrono::milliseconds(100)));
  return stop;
}

} // namespace xdpc::driver
