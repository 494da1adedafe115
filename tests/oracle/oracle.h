// The oracle: what docs/language.md says that a checked policy does with a packet, in plain, slow C++. It is the judge
// of both engines (tests/differential) and shares no code with the compiler's plan and lowering or with the runtime but
// their names of values (runtime/abi/key.h).
#pragma once

#include "tests/oracle/state.h"
#include "tests/oracle/value.h"

#include <string>

namespace xdpc::oracle {

struct Event {
  std::string name, rule;
  std::optional<ir::Verdict> verdict; // of the block that the statement stands in
  std::vector<std::pair<std::string, std::optional<abi::KeyPart>>> fields;
};

struct Input {
  std::vector<uint8_t> frame; // at least 14 bytes
  uint64_t now_ns = 0;        // never goes back
  uint32_t ifindex = 1, rx_queue = 0;
};

struct Outcome {
  ir::Verdict verdict = ir::Verdict::Abort;
  ir::RuleId rule = 0;
  const ir::Redirect* redirect = nullptr; // with Verdict::Redirect; what a socket's would be is Verdict::Pass
  std::string flow;                       // what chooses among several CPUs: the same for the same CPU
  std::optional<int64_t> cpu;             // that a map has
  std::vector<uint8_t> frame;             // as the policy left it
  std::vector<Event> events;
};

class Oracle {
public:
  explicit Oracle(const ir::Policy& policy); // which must outlive it
  Outcome run(const Input& input);           // throws Unsupported and Tie

  const std::vector<Count>& rules() const { return rules_; } // by RuleId
  const Count& counter(ir::CounterId id) const { return counters_[id]; }
  const KeyedCount& keyed(ir::CounterId id) const { return keyed_[id]; }
  const SetState& set(ir::SetId id) const { return sets_[id]; }
  const MeterState& meter(ir::MeterId id) const { return meters_[id]; }

private:
  class Packets;
  const ir::Policy& policy_;
  std::vector<Count> rules_, counters_;
  std::vector<KeyedCount> keyed_;
  std::vector<SetState> sets_;
  std::vector<MeterState> meters_;
  std::map<const ir::Action*, uint64_t> emitted_; // packets that came to a statement that samples
};

} // namespace xdpc::oracle
