// The counts of a live policy by name: what `counters`, `top` and `metrics` show. Entry point: readPolicyCounts. Tested
// by tests/live/watch.py.
#pragma once

#include "runtime/swap/counts.h"
#include "runtime/swap/open.h"

#include <functional>
#include <string>
#include <vector>

namespace xdpc::driver {

struct Count {
  std::string name, key; // key: of a keyed counter
  abi::Cell cell{};
};

struct PolicyCounts {
  std::vector<Count> rules, counters, system;
  abi::Cell retired{};
};

// Only of names that `take` accepts; it is asked for each name once.
swap::Result<PolicyCounts> readPolicyCounts(const swap::LivePolicy& live,
                                            const std::function<bool(const std::string&)>& take);
swap::Result<PolicyCounts> readPolicyCounts(const swap::LivePolicy& live);
// Of rules alone: what needs no walk over keys.
swap::Result<PolicyCounts> readRuleCounts(const swap::LivePolicy& live);

} // namespace xdpc::driver
