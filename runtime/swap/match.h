// Which state of an old policy is which of a new one: by name, or by the name that the new one says it had (`was`).
// Pure: two manifests in, a plan out. Entry point: matchState. Tested in tests/runtime/carry_test.cpp and
// tests/live/carry.py.
#pragma once

#include "runtime/abi/manifest.h"

#include <string>
#include <vector>

namespace xdpc::swap {

// What starts afresh though it could live on, or because it cannot.
struct Reset {
  bool all = false;
  std::vector<std::string> names;
  std::vector<std::string> sets; // whose contents are given anew
  bool takes(std::string_view name) const;
  bool takesSet(std::string_view name) const;
  std::string toText() const; // a line a name, "*" for all, "=NAME" for the contents of a set
  static Reset fromText(const std::string& text);
};

enum class Fate {
  shared,    // the same kernel maps
  converted, // copied into new ones
};

struct Pair { // indices into the manifests' own lists
  uint32_t from = 0, to = 0;
  Fate fate = Fate::shared;
};

struct Refusal {
  std::string name, what, reason; // "banned", "the set `banned`", "its key was addr and is (addr, u16)"
};

struct StateMatch {
  Fate slots = Fate::shared;                 // of counters of rules, plain counters, and the runtime's own
  std::vector<std::optional<uint32_t>> slot; // by old slot: the new one
  std::vector<Pair> sets, meters, counters;  // meters and counters: those with keys
  std::vector<Pair> cells;                   // meters without keys, whose words lie in one map …
  Fate cells_fate = Fate::shared;            // … which is shared as a whole or not
  std::vector<Pair> maps;                    // kernel maps that are shared
  std::vector<Refusal> refused;
};

StateMatch matchState(const abi::Manifest& from, const abi::Manifest& to, const Reset& reset);

// Names of `reset` that neither policy has.
std::vector<std::string> unknownNames(const abi::Manifest& from, const abi::Manifest& to, const Reset& reset);

} // namespace xdpc::swap
