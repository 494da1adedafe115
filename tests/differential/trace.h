// What an engine, or the oracle, makes of a policy and packets, in a form that compares. Entry points: traceOracle,
// traceEngine, firstDifference.
#pragma once

#include "tests/differential/compiled.h"
#include "tests/oracle/oracle.h"

#include <optional>

namespace xdpc::differential {

struct Seen {
  std::string verdict, rule;     // that decided
  std::vector<std::string> held; // rules that counted the packet
  std::vector<std::string> events;
  std::vector<uint8_t> frame;
  // Of a redirect: where it may go by the oracle, where it goes by an engine. What has the same flow goes to the same.
  std::vector<std::string> targets;
  std::string flow;
};

struct Trace {
  std::vector<Seen> packets;
  std::vector<std::string> state; // counters, keyed counters, sets, afterwards: a line each
  bool ends_early = false;        // the oracle's: behind these packets it cannot say what is right
};

using Inputs = std::vector<oracle::Input>;

Trace traceOracle(const ir::Policy& policy, const Inputs& inputs);
// `engine`: vm, vm-copied, kernel, kernel-copied. Throws std::runtime_error if it cannot load or run the policy.
Trace traceEngine(const std::string& engine, const Compiled& compiled, const Inputs& inputs);

struct Difference {
  std::optional<size_t> packet; // none: the state afterwards
  std::string text;
};
std::optional<Difference> firstDifference(const Trace& oracle, const Trace& engine);

bool kernelRuns(); // whether XDP programs can be loaded here

} // namespace xdpc::differential
