// Puts links back, one after the other, and hands counts back. Tested in tests/runtime/instance_test.cpp and
// tests/live/crash.py.
#include "runtime/swap/undo.h"

#include "runtime/swap/carry.h"
#include "runtime/swap/handback.h"
#include "runtime/swap/hook.h"
#include "runtime/swap/installed.h"

#include <cerrno>

namespace xdpc::swap {
namespace {

using kernel::KernelError;

bool changesGeneration(const Intent& intent) {
  return intent.from().generation != 0 && intent.to().generation != intent.from().generation;
}

bool addsCounts(const Intent& intent) {
  return changesGeneration(intent) && intent.head().undo == static_cast<uint32_t>(Undo::add);
}

// Done once: handed back and settled counts would be added a second time. That the intent goes back says that it is
// done.
Result<Done> prepareBack(const Folder& folder, const Intent& intent) {
  if (!addsCounts(intent) || intent.goesBack())
    return Done{};
  const auto gone = openGeneration(folder, intent.to().generation);
  const auto before = openGeneration(folder, intent.from().generation);
  if (gone && before)
    return handBack(*gone, *before);
  const KernelError& error = (gone ? before : gone).error();
  return error.code == ENOENT ? Result<Done>(Done{}) : error; // somebody removed pins: then no counts can be added
}

// Its counts are whole again, and it comes after what it came after before.
Result<Done> settleBack(const Folder& folder, const Intent& intent) {
  if (!addsCounts(intent))
    return Done{};
  if (auto settled = settle(folder, intent.from().generation); !settled)
    return settled;
  if (const auto ledger = openLedger(folder, intent.from().generation); ledger && *ledger)
    (*ledger)->head().from = intent.head().before;
  return Done{};
}

Result<Done> putBack(const Folder& folder, const Member& member, const IntentDevice& device) {
  if (device.joins)
    return leaveHook(folder, member.ifindex, member.link);
  const auto now = programWithId(folder, member.info.program_id);
  const auto old = programWithId(folder, device.program_id);
  if (!now || !old)
    return (now ? old : now).error();
  const auto updated = kernel::updateLink(member.link, *old, *now, memberName(folder, member.ifindex));
  return !updated && kernel::isVanished(updated.error()) ? Result<Done>(Done{}) : updated;
}

} // namespace

Result<Done> forgetUndo(const Folder& folder, const Intent& intent) {
  return addsCounts(intent) ? keepInstead(folder, intent.from().generation) : Result<Done>(Done{});
}

Result<Done> undoChange(const Folder& folder, const Intent& intent) {
  const auto live = installed(folder);
  if (!live)
    return live.error();
  if (auto prepared = prepareBack(folder, intent); !prepared)
    return prepared;
  intent.goBack();
  if (changesGeneration(intent) && !addsCounts(intent))
    if (auto kept = keepInstead(folder, intent.to().generation); !kept)
      return kept;
  Result<Done> result = Done{};
  if (*live)
    for (const Member& member : (*live)->members)
      if (const IntentDevice* device = intent.device(member.ifindex); device && member.running == intent.to())
        if (auto back = putBack(folder, member, *device); !back)
          result = back;
  if (!result)
    return result;
  if (auto settled = settleBack(folder, intent); !settled)
    return settled;
  return dropIntent(folder);
}

} // namespace xdpc::swap
