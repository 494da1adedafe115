// Numbers of what packets are asked for, such as `tcp.dport` and `ip.src/24/64`: the same wherever it stands. Tested by
// tests/lit/warn.
#pragma once

#include "compiler/ir/ir.h"

#include <unordered_map>
#include <vector>

namespace xdpc::analysis {

class Values {
public:
  uint32_t numberOf(const ir::Expr& value);
  const ir::Expr& operator[](uint32_t number) const { return values_[number]; }

private:
  std::vector<ir::Expr> values_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> by_hash_;
};

} // namespace xdpc::analysis
