// See warnings.h.
#include "compiler/analysis/warnings.h"

namespace xdpc::analysis {

void warn(const ast::File& file, const std::vector<ast::File>& used, const ir::Policy& policy, diag::Emitter& emitter) {
  warnOfReach(policy, emitter);
  warnOfFragments(policy, emitter);
  warnOfNeighbors(policy, emitter);
  warnOfMeters(policy, emitter);
  warnOfUnused(file, used, emitter);
}

} // namespace xdpc::analysis
