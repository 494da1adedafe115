// See block.h.
#include "compiler/ir/block.h"

namespace xdpc::ir {

bool endsPacket(const Block& block) {
  if (block.verdict)
    return true;
  for (const Step& step : block.steps)
    for (const Branch& branch : step.branch)
      if (endsPacket(branch.then) && endsPacket(branch.otherwise))
        return true;
  return false;
}

bool isTag(const Action& action) {
  return action.kind == ActionKind::PushVlan || action.kind == ActionKind::PopVlan;
}

} // namespace xdpc::ir
