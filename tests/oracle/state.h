// What a policy remembers, in the plainest form: sets with the end of each element, token buckets, counts. Nothing has
// a capacity here; policies that are compared stay below theirs.
#pragma once

#include "compiler/ir/ir.h"

#include <map>

namespace xdpc::oracle {

class SetState {
public:
  explicit SetState(const ir::Set& set);

  // Restarts an element's time and never shortens it.
  void add(const abi::KeyValue& key, uint64_t end_ns);
  void remove(const abi::KeyValue& key) { ends_.erase(key); }
  bool covers(const abi::KeyValue& key, uint64_t now_ns) const; // any live element
  std::vector<abi::KeyValue> live(uint64_t now_ns) const;       // sorted

private:
  std::map<abi::KeyValue, uint64_t> ends_;
};

// Token buckets, one per key, full at first sight. In bits or packets, times 10^9.
class MeterState {
public:
  explicit MeterState(const ir::Meter& meter) : meter_(&meter) {}
  bool conforms(const abi::KeyValue& key, uint64_t length, uint64_t now_ns); // and takes the tokens then

private:
  struct Bucket {
    ir::u128 tokens;
    uint64_t filled_ns;
  };
  const ir::Meter* meter_;
  std::map<abi::KeyValue, Bucket> buckets_;
};

struct Count {
  uint64_t packets = 0, bytes = 0;
  void add(uint64_t length) {
    ++packets;
    bytes += length;
  }
  bool operator==(const Count&) const = default;
};

} // namespace xdpc::oracle
