// The ledger of a generation: what user space has to know of it besides its manifest, in a map pinned beside it. When
// it began to run, from which generation its state comes, and, while counts are still to be taken over, from which
// values on. User space alone writes it, under the device's lock. Tested in tests/runtime/carry_test.cpp.
#pragma once

#include "runtime/abi/manifest.h"
#include "runtime/kernel/mapped_array.h"
#include "runtime/swap/target.h"

#include <atomic>

namespace xdpc::swap {

enum class LedgerState : uint64_t {
  settled = 0,
  // Counts of generation `from` are not yet in `base`: a count is origin + own cells + what `from` counted.
  carrying = 1,
  // The same, but nothing else is missing: what was copied of sets and meters is this generation's own affair.
  carrying_counts = 2,
};

// The first bytes of the map; a Cell of each slot, the origins, follows, and then the names that started afresh.
struct LedgerHead {
  uint64_t version;       // kLedgerVersion
  uint64_t state;         // LedgerState in the low byte, above it the epoch
  uint64_t from;          // generation that ran before, 0: none
  uint64_t since_unix_ns; // 0: staged, it has not run yet
  uint64_t deadline_ns;   // of a trial, CLOCK_MONOTONIC; 0: none
  uint64_t slots;
  uint64_t text_bytes;
  abi::Cell retired; // counts of rules that are gone or had no name
  abi::Cell retired_origin;
};
inline constexpr uint64_t kLedgerVersion = 1;

class Ledger {
public:
  // `resets`: what starts afresh, as Reset::toText writes it.
  static Result<Ledger> create(size_t slots, const std::string& resets);
  static Result<Ledger> over(kernel::Fd map); // as it was pinned

  const kernel::Fd& fd() const { return map_.fd(); }
  LedgerHead& head() const { return *reinterpret_cast<LedgerHead*>(map_.bytes().data()); }
  std::span<abi::Cell> origins() const;
  std::string resets() const;
  void setResets(const std::string& text) const; // cut to the room that there is

  // The epoch numbers the bases of keyed counters, so that one store makes new counts valid and says so.
  LedgerState state() const { return static_cast<LedgerState>(word().load() & 0xff); }
  uint64_t epoch() const { return word().load() >> 8; }
  // Everything that was written before is there for whoever sees the new state.
  void set(LedgerState state, uint64_t epoch) const { word().store(epoch << 8 | static_cast<uint64_t>(state)); }

private:
  explicit Ledger(kernel::MappedArray map) : map_(std::move(map)) {}
  std::atomic_ref<uint64_t> word() const { return std::atomic_ref<uint64_t>(head().state); }
  std::span<uint8_t> text() const;
  kernel::MappedArray map_;
};

} // namespace xdpc::swap
