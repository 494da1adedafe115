// Which headers a packet can have together, from the declarations: what `payload by` reaches. Errs towards "can".
// Tested by tests/lit/warn/never_matches.xf and neighbors.xf.
#pragma once

#include "compiler/ir/ir.h"

#include <vector>

namespace xdpc::analysis {

class Presence {
public:
  explicit Presence(const ir::Policy& policy);

  bool exclude(ir::HeaderId one, ir::HeaderId other) const; // no packet has both
  // Whether the condition can hold for a packet that has this header. Values of fields are taken as unknown.
  bool mayHold(const ir::Expr& condition, ir::HeaderId header) const;

private:
  enum class Truth : uint8_t { no, yes, unknown };
  Truth truth(const ir::Expr& expr, ir::HeaderId header) const;
  void reach(ir::HeaderId from, ir::HeaderId header);
  std::vector<ir::HeaderId> plain(ir::HeaderId header) const; // the alternatives of a union

  const ir::Policy& policy_;
  std::vector<std::vector<bool>> reaches_; // [a][b]: b can follow a, at some distance
};

std::optional<ir::HeaderId> headerByName(const ir::Policy& policy, const char* name);

} // namespace xdpc::analysis
