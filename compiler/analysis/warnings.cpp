// See warnings.h.
#include "compiler/analysis/warnings.h"

namespace xdpc::analysis {

void warn(const ir::Policy& policy, diag::Emitter& emitter) {
  warnOfReach(policy, emitter);
  warnOfFragments(policy, emitter);
  warnOfNeighbors(policy, emitter);
  warnOfMeters(policy, emitter);
}

} // namespace xdpc::analysis
