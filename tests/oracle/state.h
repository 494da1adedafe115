// What a policy remembers, in the plainest form: sets with the end of each element, token buckets, counts. Capacities
// up to 32 are exact (docs/decisions/0070) and bound what is kept; policies that are compared stay below larger ones.
#pragma once

#include "compiler/ir/ir.h"

#include <map>
#include <stdexcept>

namespace xdpc::oracle {

// Two keys are as near to rest, and either may go.
struct Tie : std::runtime_error {
  Tie() : std::runtime_error("two keys are as near to rest") {}
};

class SetState {
public:
  explicit SetState(const ir::Set& set);

  // Restarts an element's time and never shortens it. Throws Tie.
  void add(const abi::KeyValue& key, uint64_t end_ns, uint64_t now_ns);
  void remove(const abi::KeyValue& key) { ends_.erase(key); }
  bool covers(const abi::KeyValue& key, uint64_t now_ns) const; // any live element
  std::vector<abi::KeyValue> live(uint64_t now_ns) const;       // sorted
  uint64_t refused() const { return refused_; }                 // elements that found no place

private:
  bool findPlace(uint64_t now_ns);
  bool isCounted(const abi::KeyValue& key) const;

  const ir::Set* set_;
  std::map<abi::KeyValue, uint64_t> ends_;
  uint64_t refused_ = 0;
};

// Token buckets, one per key, full at first sight. In bits or packets, times 10^9.
class MeterState {
public:
  explicit MeterState(const ir::Meter& meter) : meter_(&meter) {}
  bool conforms(const abi::KeyValue& key, uint64_t length, uint64_t now_ns); // and takes the tokens then; throws Tie
  uint64_t refused() const { return refused_; }                              // packets whose key found no place

private:
  struct Bucket {
    ir::u128 tokens;
    uint64_t filled_ns;
  };
  ir::u128 full() const;
  ir::u128 tokensAt(const Bucket& bucket, uint64_t now_ns) const;
  bool findPlace(uint64_t now_ns);

  const ir::Meter* meter_;
  std::map<abi::KeyValue, Bucket> buckets_;
  uint64_t refused_ = 0;
};

struct Count {
  uint64_t packets = 0, bytes = 0;
  void add(uint64_t length) {
    ++packets;
    bytes += length;
  }
  bool operator==(const Count&) const = default;
};

// A keyed counter. A key never rests: what finds no place is counted as `other`.
struct KeyedCount {
  std::map<abi::KeyValue, Count> keys;
  Count other;

  void add(const ir::Counter& counter, const abi::KeyValue& key, uint64_t length);
};

} // namespace xdpc::oracle
