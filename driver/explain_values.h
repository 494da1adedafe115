// What a packet has where a condition looks: the values that `xdpc explain` names. Each is an element that a rule of
// the asking policy adds to a set, so that the program itself reads it. Tested by tests/lit/cli/explain.test.
#pragma once

#include "compiler/ir/ir.h"
#include "runtime/abi/manifest.h"
#include "runtime/engine/maps.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace xdpc::driver {

class ExplainedValues {
public:
  // Those that the conditions of these rules read, each once.
  ExplainedValues(const ir::Policy& policy, const std::set<ir::RuleId>& rules);

  // Rules and sets that note them, into the policy that asks.
  void addTo(ir::Policy& asking) const;
  void read(const engine::Maps& maps, const abi::Manifest& manifest);

  // "tcp.dport is 80, no `udp` header": what the condition has read. Empty where there is nothing to name.
  std::string textFor(const ir::Expr& condition) const;

private:
  void collect(const ir::Expr& expr);
  std::string textOf(const ir::Expr& value) const;

  const ir::Policy& policy_;
  std::vector<const ir::Expr*> values_;
  std::map<std::string, size_t> numbers_; // by text
  std::map<size_t, std::string> read_;    // by number: of those that the packet has
};

} // namespace xdpc::driver
