// `xdpc metrics`: the state of all attached policies for Prometheus, to standard output, into a file for
// node_exporter's textfile collector, or over HTTP. Tested by tests/live/metrics.py.
#include "driver/commands.h"
#include "driver/file.h"
#include "driver/http.h"
#include "driver/kernel_errors.h"
#include "driver/policy_metrics.h"
#include "driver/stop.h"

namespace xdpc::driver {

namespace {

constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

int serve(const std::string& address, const MetricsScope& scope) {
  const auto& stop = stopOnSignals();
  const auto make = [&scope]() -> std::optional<std::string> {
    auto text = policyMetrics(scope);
    if (text)
      return std::move(*text);
    fail(text.error());
    return std::nullopt;
  };
  const auto server = HttpServer::start(address, {"/metrics", kContentType, make});
  if (!server)
    return fail(server.error().usage ? kUsage : kRefused, server.error().message);
  note(fmt::format("http://{}/metrics", server->address()));
  while (!stop)
    sleepUntil(std::chrono::steady_clock::now() + std::chrono::hours(1));
  return kFine;
}

} // namespace

int metricsCommand(const MetricsOptions& options) {
  const MetricsScope scope{options.bpffs, options.keys};
  if (!options.listen.empty())
    return serve(options.listen, scope);
  const auto text = policyMetrics(scope);
  if (!text)
    return fail(text.error());
  if (options.textfile.empty()) {
    print(*text);
    return kFine;
  }
  const auto written = writeFile(options.textfile, {reinterpret_cast<const uint8_t*>(text->data()), text->size()});
  return written ? kFine : fail(kRefused, written.error().message);
}

} // namespace xdpc::driver
