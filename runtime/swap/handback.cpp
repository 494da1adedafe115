// Writes the ledger of the generation that runs again. Tested in tests/live/trial.py and
// tests/runtime/instance_test.cpp.
#include "runtime/swap/handback.h"

#include "runtime/counters/counters.h"

#include <algorithm>

namespace xdpc::swap {

Result<Done> handBack(const Generation& gone, const Generation& before) {
  if (!gone.carries || !before.ledger)
    return Done{}; // it counted in the very same maps
  const auto base = counters::readBase(*before.maps, before.manifest);
  if (!base)
    return kernel::KernelError{.message = base.error().message};
  LedgerHead& head = before.ledger->head();
  if (!before.carries) {
    std::ranges::copy(*base, before.ledger->origins().begin());
    head.retired_origin = head.retired;
  }
  head.from = gone.number;
  before.ledger->setResets("");
  before.ledger->set(LedgerState::carrying, before.epoch);
  return Done{};
}

Result<Done> keepInstead(const Folder& folder, uint32_t before) {
  auto ledger = openLedger(folder, before);
  if (!ledger)
    return ledger.error();
  if (*ledger && (*ledger)->state() != LedgerState::settled)
    (*ledger)->set(LedgerState::settled, (*ledger)->epoch());
  return Done{};
}

} // namespace xdpc::swap
