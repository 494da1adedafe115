// Commands that run until they are told to end: by Ctrl-C, a signal of a service manager, or a reader that is gone.
#pragma once

#include <atomic>
#include <chrono>

namespace xdpc::driver {

// Set by SIGINT and SIGTERM from now on. A command may set it itself.
std::atomic<bool>& stopOnSignals();

// Sleeps until then, or until a signal; true if it is time to end.
bool sleepUntil(std::chrono::steady_clock::time_point end);

} // namespace xdpc::driver
