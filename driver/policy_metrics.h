// What Prometheus is told of all attached policies. Tested by tests/live/metrics.py.
#pragma once

#include "runtime/swap/target.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace xdpc::driver {

struct MetricsScope {
  std::filesystem::path bpffs = swap::kDefaultBpffs;
  uint64_t keys = 0; // of each keyed counter, the largest; every key is a time series
};

// The text of one scrape. A policy that cannot be read is told by `xdpc_policy_readable 0`.
swap::Result<std::string> policyMetrics(const MetricsScope& scope);

} // namespace xdpc::driver
