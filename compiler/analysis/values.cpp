// See values.h.
#include "compiler/analysis/values.h"

#include "compiler/ir/same.h"

namespace xdpc::analysis {

uint32_t Values::numberOf(const ir::Expr& value) {
  std::vector<uint32_t>& alike = by_hash_[ir::hashOf(value)];
  for (uint32_t number : alike)
    if (ir::sameExpr(values_[number], value))
      return number;
  alike.push_back(static_cast<uint32_t>(values_.size()));
  values_.push_back(value);
  return alike.back();
}

} // namespace xdpc::analysis
