// One policy loaded for tests: the embedded engine (runtime/vm) or BPF_PROG_TEST_RUN (runtime/kernel). Both load in
// test mode: clock, interface and queue come from the map `test`.
#pragma once

#include "runtime/engine/maps.h"
#include "runtime/object/object.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace xdpc::engine {

struct EngineError {
  std::string message; // one line
  std::string details; // the verifier's log or the machine's state, may be empty
  bool privilege = false;
};

struct Frame {
  std::span<const uint8_t> bytes; // from the Ethernet header, 14 to 65,535 bytes
  uint64_t now_ns = 0;
  uint32_t ifindex = 1;
  uint32_t rx_queue = 0;
};

struct Outcome {
  abi::Verdict verdict = abi::kAborted;
  uint32_t slot = 0;   // of the rule that decided
  uint32_t target = 0; // of a redirect, see abi::redirectTarget; else 0
  abi::Bytes frame;    // as the program left it
};

class Engine {
public:
  virtual ~Engine() = default;
  virtual const abi::Manifest& manifest() const = 0;
  virtual Result<Outcome, EngineError> run(const Frame& frame) = 0;
  virtual Maps& maps() = 0;
  // Takes all records that are in the ring buffer, oldest first. None if the policy has no events.
  virtual Result<Done, EngineError> drainEvents(const std::function<void(std::span<const uint8_t>)>& record) = 0;
};

} // namespace xdpc::engine
